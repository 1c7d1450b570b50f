/**
 * The format Native as a client of a protocol's revision reads it. The engine writes it for none: without the head of each block, and without the mark at each
 * column that says whether its values are laid out in a way of their own. Clients that ask with `client_protocol_version` (Grafana's, by clickhouse-go) read both.
 */
import { serverError } from "../server-error.ts";
import { createNativeCursor, give, insert, more, readText, readVarUInt, skipTexts, take } from "./native-cursor.ts";
import type { NativeCursor, Steps } from "./native-cursor.ts";
import { nativeLayoutOf } from "./native-layout.ts";
import { skipColumn } from "./native-values.ts";

/** Field 1, no overflow; field 2, bucket -1; the end. */
const BLOCK_HEAD = Uint8Array.of(1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0);
/** From this revision on a column has the mark. The engine lays all values out in the common way. */
const REVISION_WITH_MARKS = 54454;
const COMMON_LAYOUT = Uint8Array.of(0);

/** The same blocks for a client of that revision; it is above zero. */
export async function* nativeOfRevision(
  chunks: AsyncIterable<Uint8Array>,
  revision: number,
): AsyncGenerator<Uint8Array> {
  const cursor = createNativeCursor();
  const state = { withinBlock: false };
  const walk = walkBlocks(cursor, state, revision >= REVISION_WITH_MARKS);
  for await (const chunk of chunks) {
    give(cursor, chunk);
    walk.next();
    yield* take(cursor);
  }
  if (!state.withinBlock) return;
  // What was passed on is not what the engine meant: better broken off than taken for whole.
  throw serverError({ code: 48, name: "NOT_IMPLEMENTED", text: "This result cannot be followed in the format Native" });
}

function* walkBlocks(cursor: NativeCursor, state: { withinBlock: boolean }, withMarks: boolean): Steps {
  for (;;) {
    state.withinBlock = false;
    yield* more(cursor);
    state.withinBlock = true;
    insert(cursor, BLOCK_HEAD);
    const columns = yield* readVarUInt(cursor);
    const rows = yield* readVarUInt(cursor);
    for (let column = 0; column < columns; column += 1) {
      yield* skipTexts(cursor, 1);
      const layout = nativeLayoutOf(yield* readText(cursor));
      if (withMarks) insert(cursor, COMMON_LAYOUT);
      if (rows > 0) yield* skipColumn(cursor, layout, rows);
    }
  }
}
