/** Passes over a column's values in the format Native. */
import { serverError } from "../server-error.ts";
import {
  readByteCounts,
  readText,
  readUInt64,
  readVarUInt,
  skip,
  skipTexts,
  type NativeCursor,
  type Steps,
} from "./native-cursor.ts";
import { nativeLayoutOf, type NativeLayout } from "./native-layout.ts";

const UINT64_BYTES = 8;
const INDEX_WIDTH_MASK = 0xffn;
const TEXT: NativeLayout = { kind: "text" };
/** Paths of a JSON column that have no column of their own: names and values. */
const SHARED_PATHS: NativeLayout = { kind: "array", of: { kind: "tuple", of: [TEXT, TEXT] } };
/** Values of a Dynamic column whose type has no column of its own lie in one of texts, which is numbered among the others by this name. */
const SHARED_VARIANT = "SharedVariant";

/** Values of at least one row. What is told of the whole column comes before all of its values, also those deep inside. */
export function* skipColumn(cursor: NativeCursor, layout: NativeLayout, rows: number): Steps {
  yield* skipValues(cursor, yield* readPrefix(cursor, layout), rows);
}

/** The layout with what the prefix tells of it. */
function* readPrefix(cursor: NativeCursor, layout: NativeLayout): Steps<NativeLayout> {
  switch (layout.kind) {
    case "fixed":
    case "text":
      return layout;
    case "nullable":
    case "array":
      return { ...layout, of: yield* readPrefix(cursor, layout.of) };
    case "tuple":
      return { ...layout, of: yield* readPrefixes(cursor, layout.of) };
    case "dictionary":
      yield* skip(cursor, UINT64_BYTES);
      return layout;
    case "variant":
      // Each row's number as it is, not as runs.
      expectVersion(yield* readUInt64(cursor), [0n]);
      return { ...layout, of: yield* readPrefixes(cursor, layout.of) };
    case "dynamic":
      return yield* readDynamicPrefix(cursor);
    case "json":
      return yield* readJsonPrefix(cursor, layout.typed);
  }
}

function* readPrefixes(cursor: NativeCursor, layouts: readonly NativeLayout[]): Steps<readonly NativeLayout[]> {
  const read: NativeLayout[] = [];
  for (const layout of layouts) read.push(yield* readPrefix(cursor, layout));
  return read;
}

/** Version 1 tells how many types there may be; then which there are. */
function* readDynamicPrefix(cursor: NativeCursor): Steps<NativeLayout> {
  const version = expectVersion(yield* readUInt64(cursor), [1n, 2n]);
  if (version === 1n) yield* readVarUInt(cursor);
  const types: string[] = [];
  for (let left = yield* readVarUInt(cursor); left > 0; left -= 1) types.push(yield* readText(cursor));
  const numbered = [...types, SHARED_VARIANT].map((name) => Buffer.from(name)).sort((a, b) => Buffer.compare(a, b));
  const of = numbered.map(String).map((name) => (name === SHARED_VARIANT ? TEXT : nativeLayoutOf(name)));
  return yield* readPrefix(cursor, { kind: "variant", of });
}

/** Version 1 is JSON as text; version 0 tells how many paths there may be, then, as 2, which there are. */
function* readJsonPrefix(cursor: NativeCursor, typed: readonly NativeLayout[]): Steps<NativeLayout> {
  const version = expectVersion(yield* readUInt64(cursor), [0n, 1n, 2n]);
  if (version === 1n) return TEXT;
  if (version === 0n) yield* readVarUInt(cursor);
  const paths = yield* readVarUInt(cursor);
  yield* skipTexts(cursor, paths);
  const dynamic = Array.from({ length: paths }, (): NativeLayout => ({ kind: "dynamic" }));
  const columns = yield* readPrefixes(cursor, [...typed, ...dynamic]);
  return { kind: "tuple", of: [...columns, SHARED_PATHS] };
}

function expectVersion(version: bigint, known: readonly bigint[]): bigint {
  if (known.includes(version)) return version;
  throw serverError({
    code: 48,
    name: "NOT_IMPLEMENTED",
    text: `Version ${version} of a column in the format Native cannot be sent with client_protocol_version`,
  });
}

function* skipValues(cursor: NativeCursor, layout: NativeLayout, rows: number): Steps {
  if (rows === 0) return;
  switch (layout.kind) {
    case "fixed":
      return yield* skip(cursor, rows * layout.bytes);
    case "text":
      return yield* skipTexts(cursor, rows);
    case "nullable":
      yield* skip(cursor, rows);
      return yield* skipValues(cursor, layout.of, rows);
    case "array":
      // Offsets: where each row's items end.
      yield* skip(cursor, (rows - 1) * UINT64_BYTES);
      return yield* skipValues(cursor, layout.of, Number(yield* readUInt64(cursor)));
    case "tuple":
      for (const part of layout.of) yield* skipValues(cursor, part, rows);
      return;
    case "dictionary":
      return yield* skipDictionary(cursor, layout.of);
    case "variant":
      return yield* skipVariant(cursor, layout.of, rows);
    case "dynamic":
    case "json":
      throw new Error(`a column of the kind ${layout.kind} whose prefix was not read`);
  }
}

/** How wide an index is and which parts follow; the keys; the indexes. */
function* skipDictionary(cursor: NativeCursor, keys: NativeLayout): Steps {
  const width = 2 ** Number((yield* readUInt64(cursor)) & INDEX_WIDTH_MASK);
  yield* skipValues(cursor, keys, Number(yield* readUInt64(cursor)));
  yield* skip(cursor, Number(yield* readUInt64(cursor)) * width);
}

/** The number of each row's variant, the last one for null; then the values of one variant behind those of the other. */
function* skipVariant(cursor: NativeCursor, variants: readonly NativeLayout[], rows: number): Steps {
  const counts = yield* readByteCounts(cursor, rows);
  for (const [number, variant] of variants.entries()) yield* skipValues(cursor, variant, counts[number] ?? 0);
}
