/**
 * The format Native as a client of a protocol's revision reads it. The engine writes it for none: without the head of each block, and without the mark at each
 * column that says whether its values are laid out in a way of their own. Clients that ask with `client_protocol_version` (Grafana's, by clickhouse-go) read both.
 */
import {
  createNativeCursor,
  give,
  insert,
  more,
  readText,
  readUInt64,
  readVarUInt,
  skip,
  skipTexts,
  take,
  type NativeCursor,
  type Steps,
} from "./native-cursor.ts";
import { nativeLayoutOf, type NativeLayout } from "./native-layout.ts";

/** Field 1, no overflow; field 2, bucket -1; the end. */
const BLOCK_HEAD = Uint8Array.of(1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0);
/** From this revision on a column has the mark. The engine lays all values out in the common way. */
const REVISION_WITH_MARKS = 54454;
const COMMON_LAYOUT = Uint8Array.of(0);
const UINT64_BYTES = 8;
const INDEX_WIDTH_MASK = 0xffn;

/** The same blocks for a client of that revision; it is above zero. */
export async function* nativeOfRevision(
  chunks: AsyncIterable<Uint8Array>,
  revision: number,
): AsyncGenerator<Uint8Array> {
  const cursor = createNativeCursor();
  const walk = walkBlocks(cursor, revision >= REVISION_WITH_MARKS);
  for await (const chunk of chunks) {
    give(cursor, chunk);
    walk.next();
    yield* take(cursor);
  }
}

function* walkBlocks(cursor: NativeCursor, withMarks: boolean): Steps {
  for (;;) {
    yield* more(cursor);
    insert(cursor, BLOCK_HEAD);
    const columns = yield* readVarUInt(cursor);
    const rows = yield* readVarUInt(cursor);
    for (let column = 0; column < columns; column += 1) {
      yield* skipTexts(cursor, 1);
      const layout = nativeLayoutOf(yield* readText(cursor));
      if (withMarks) insert(cursor, COMMON_LAYOUT);
      if (rows === 0) continue;
      yield* skip(cursor, prefixBytes(layout));
      yield* skipValues(cursor, layout, rows);
    }
  }
}

/** Each dictionary has its version in front of the whole column. */
function prefixBytes(layout: NativeLayout): number {
  if (layout.kind === "dictionary") return UINT64_BYTES;
  if (layout.kind === "tuple") return layout.of.reduce((sum, part) => sum + prefixBytes(part), 0);
  return layout.kind === "array" || layout.kind === "nullable" ? prefixBytes(layout.of) : 0;
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
  }
}

/** How wide an index is and which parts follow; the keys; the indexes. */
function* skipDictionary(cursor: NativeCursor, keys: NativeLayout): Steps {
  const width = 2 ** Number((yield* readUInt64(cursor)) & INDEX_WIDTH_MASK);
  yield* skipValues(cursor, keys, Number(yield* readUInt64(cursor)));
  yield* skip(cursor, Number(yield* readUInt64(cursor)) * width);
}
