import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nativeUInt64s } from "../../../src/clickhouse/native-column.ts";

const values = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 300 });
const blocks = fc.array(values, { maxLength: 5 });

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))];
}

function text(of: string): readonly number[] {
  return [...varint(of.length), ...Buffer.from(of)];
}

/** As ClickHouse's documentation of the format has it: columns, rows, then name, type and values of each column. */
function blockOf(numbers: readonly bigint[], { columns = 1, type = "UInt64" } = {}): Uint8Array {
  const head = [...varint(columns), ...varint(numbers.length), ...text("half"), ...text(type)];
  return Buffer.concat([Uint8Array.from(head), new Uint8Array(BigUint64Array.from(numbers).buffer)]);
}

/** Chunks of the given lengths, in turns. */
function cut(bytes: Uint8Array, lengths: readonly number[]): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] as number;
    chunks.push(bytes.slice(at, at + length));
    at += length;
  }
  return chunks;
}

async function read(chunks: readonly Uint8Array[]): Promise<readonly bigint[]> {
  const found: bigint[] = [];
  // eslint-disable-next-line @typescript-eslint/require-await -- chunks that are there at once
  const stream = async function* () {
    yield* chunks;
  };
  for await (const { buffer, byteOffset, byteLength } of nativeUInt64s(stream()))
    for (const value of new BigUint64Array(buffer, byteOffset, byteLength / 8)) found.push(value);
  return found;
}

describe("nativeUInt64s", () => {
  // Guarantee: no identity is missed because of where the network cut the answer.
  it("gives every value in order, wherever chunks end", async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(blocks, lengths, async (numbers, cuts) => {
        const bytes = Buffer.concat(numbers.map((block) => blockOf(block)));
        expect(await read(cut(bytes, cuts))).toEqual(numbers.flat());
      }),
    );
  });

  it("gives more values than fit into one piece", async () => {
    const numbers = Array.from({ length: 140_000 }, (_, number) => BigInt(number) << 20n);
    const found = await read(cut(blockOf(numbers), [65_521]));
    expect(found.length).toBe(numbers.length);
    expect(found.every((value, at) => value === numbers[at])).toBe(true);
  });

  // Guarantee: an answer that breaks off is no shorter answer.
  it("rejects an answer that ends anywhere but between two blocks", async () => {
    await fc.assert(
      fc.asyncProperty(values, fc.nat(), async (numbers, where) => {
        const bytes = blockOf(numbers);
        const kept = bytes.slice(0, 1 + (where % (bytes.length - 1)));
        await expect(read([kept])).rejects.toMatchObject({ code: "CLICKHOUSE_ANSWER_BROKEN", kind: "unavailable" });
      }),
    );
  });

  it.each([
    ["another type", blockOf([1n], { type: "UInt128" }), "of the type UInt128 instead of UInt64"],
    ["more columns", blockOf([1n], { columns: 2 }), "2 columns instead of one"],
    [
      "the text of an error",
      Buffer.from("Code: 241. DB::Exception: Memory limit exceeded"),
      "67 columns instead of one",
    ],
    ["a number without an end", new Uint8Array(20).fill(0xff), "is too long"],
  ])("rejects %s", async (_, bytes, why) => {
    await expect(read([blockOf([7n]), bytes])).rejects.toThrow(why);
  });
});
