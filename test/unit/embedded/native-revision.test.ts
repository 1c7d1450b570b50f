/** Blocks of the format Native, written here by hand from its description, as a client of a revision gets them. */
import { expect, test } from "vitest";
import { nativeLayoutOf } from "../../../src/embedded/clickhouse-server/native/native-layout.ts";
import { nativeOfRevision } from "../../../src/embedded/clickhouse-server/native/native-revision.ts";

const HEAD = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
const WITH_MARKS = 54460;
const WITHOUT_MARKS = 54405;

type Column = { readonly name: string; readonly type: string; readonly values: readonly number[] };

/** The same block as files have it, and as a client of a revision reads it. */
function block(rows: number, columns: readonly Column[]): { readonly file: Buffer; readonly revised: Buffer } {
  const layOut = (head: readonly number[], mark: readonly number[]): Buffer =>
    Buffer.from([
      ...head,
      columns.length,
      rows,
      ...columns.flatMap(({ name, type, values }) => [...text(name), ...text(type), ...mark, ...values]),
    ]);
  return { file: layOut([], []), revised: layOut(HEAD, [0]) };
}

function text(value: string): readonly number[] {
  const bytes = Buffer.from(value);
  return bytes.length < 128 ? [bytes.length, ...bytes] : [(bytes.length % 128) + 128, bytes.length >> 7, ...bytes];
}

function uint64(value: number): readonly number[] {
  return [value, 0, 0, 0, 0, 0, 0, 0];
}

async function revisedIn(file: Buffer, revision: number, chunkBytes = file.length): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of nativeOfRevision(chunksOf(file, chunkBytes), revision)) pieces.push(piece);
  return Buffer.concat(pieces);
}

// eslint-disable-next-line @typescript-eslint/require-await -- chunks that are there already
async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const EVERY_SHAPE = block(2, [
  { name: "n", type: "UInt16", values: [1, 0, 2, 0] },
  { name: "long", type: "String", values: [...text("x".repeat(300)), ...text("")] },
  { name: "maybe", type: "Nullable(Decimal(76, 24))", values: [0, 1, ...Array<number>(64).fill(7)] },
  {
    name: "list",
    type: "Array(Tuple(a UInt8, `b, (c` String))",
    values: [...uint64(1), ...uint64(3), 5, 6, 7, ...text("p"), ...text("q"), ...text("r")],
  },
  {
    name: "pairs",
    type: "Map(LowCardinality(Nullable(String)), Array(LowCardinality(String)))",
    values: [
      // The versions of both dictionaries, where each map ends, the first dictionary: two keys, one index.
      ...[uint64(1), uint64(1), uint64(0), uint64(1)].flat(),
      ...[[0, 6, 0, 0, 0, 0, 0, 0], uint64(2), text(""), text("k"), uint64(1), [1]].flat(),
      // An empty array, so that the second dictionary has no values at all.
      ...uint64(0),
    ],
  },
  { name: "kind", type: "Enum8('a, (\\'' = 1, 'b' = 2)", values: [1, 2] },
  { name: "nothing", type: "Tuple()", values: [0, 0] },
  // The second row has a number, the first one nothing.
  { name: "either", type: "Variant(String, UInt8)", values: [...uint64(0), 255, 1, 9] },
  {
    name: "any",
    type: "Array(Dynamic)",
    // Of two types beside the shared one (number 0): the first row is empty, the second has a text, a number, and a shared value.
    values: [
      ...[uint64(1), [2, 2], text("String"), text("UInt16"), uint64(0), uint64(0), uint64(3)].flat(),
      ...[[1, 2, 0], text("\x15\x01z"), text("x"), [7, 0]].flat(),
    ],
  },
  {
    name: "document",
    type: "JSON(max_dynamic_paths=1, `a, b` UInt16, SKIP REGEXP 'x, y')",
    values: [
      // One path, whose values are all of one type; the typed path; that path; one more in the second row's shared data.
      ...[uint64(0), [1, 1], text("p"), uint64(1), [1, 1], text("Int8"), uint64(0)].flat(),
      ...[[1, 0, 2, 0], [0, 0, 5, 6], uint64(0), uint64(1), text("q"), text("\x15\x01z")].flat(),
    ],
  },
]);

test("a block has a head, and each column a mark behind its type", async () => {
  const { file, revised } = block(1, [{ name: "n", type: "UInt8", values: [7] }]);
  expect(await revisedIn(file, WITH_MARKS)).toEqual(revised);
});

test("columns of every shape are passed over, in as many blocks as there are", async () => {
  const file = Buffer.concat([EVERY_SHAPE.file, EVERY_SHAPE.file]);
  const revised = Buffer.concat([EVERY_SHAPE.revised, EVERY_SHAPE.revised]);
  expect(await revisedIn(file, WITH_MARKS)).toEqual(revised);
});

test.each([1, 2, 3, 7, 64])("chunks of %i bytes make no difference", async (size) => {
  const file = Buffer.concat([EVERY_SHAPE.file, EVERY_SHAPE.file]);
  expect(await revisedIn(file, WITH_MARKS, size)).toEqual(Buffer.concat([EVERY_SHAPE.revised, EVERY_SHAPE.revised]));
});

test("an older client gets the head alone", async () => {
  const { file } = EVERY_SHAPE;
  expect(await revisedIn(file, WITHOUT_MARKS)).toEqual(Buffer.concat([Buffer.from(HEAD), file]));
});

test("a block without rows has no values, and nothing stays nothing", async () => {
  const empty = block(0, [{ name: "c", type: "LowCardinality(String)", values: [] }]);
  expect(await revisedIn(empty.file, WITH_MARKS)).toEqual(empty.revised);
  expect(await revisedIn(Buffer.alloc(0), WITH_MARKS)).toEqual(Buffer.alloc(0));
});

test("what cannot be followed to its end is broken off", async () => {
  const { file } = EVERY_SHAPE;
  await expect(revisedIn(file.subarray(0, -1), WITH_MARKS)).rejects.toThrow(/Code: 48\./);
  const runs = block(1, [{ name: "v", type: "Variant(String, UInt8)", values: [...uint64(1), 0, 1, 7] }]);
  await expect(revisedIn(runs.file, WITH_MARKS)).rejects.toThrow(/Version 1 of a column/);
});

test.each([
  "AggregateFunction(sum, UInt64)",
  "Array(QBit(Float32, 8))",
  "Variant(AggregateFunction(sum, UInt64), UInt8)",
  "Decimal(77, 0)",
  "FixedString",
])("%s is refused by its name", (type) => {
  expect(() => nativeLayoutOf(type)).toThrow(/Code: 48\..* cannot be sent in the format Native/);
});
