/**
 * A place in a stream of bytes that come in chunks. What is passed over goes on to the reader as it is, and bytes can be put in between. A step that
 * meets the end of a chunk yields, and goes on when the next one was given; so nothing is gathered, however long a column is.
 */
export type Steps<T = void> = Generator<void, T, void>;

export type NativeCursor = {
  chunk: Uint8Array;
  at: number;
  /** Up to here the chunk is among what is ready. */
  released: number;
  ready: Uint8Array[];
};

const UINT64_BYTES = 8;
const BYTE_VALUES = 256;
/** A byte of a length from here on has another one behind it. */
const CONTINUED = 0x80;

export function createNativeCursor(): NativeCursor {
  return { chunk: new Uint8Array(), at: 0, released: 0, ready: [] };
}

/** The next chunk; the one before is used up. */
export function give(cursor: NativeCursor, chunk: Uint8Array): void {
  release(cursor);
  Object.assign(cursor, { chunk, at: 0, released: 0 });
}

/** What may go on to the reader by now. */
export function take(cursor: NativeCursor): readonly Uint8Array[] {
  release(cursor);
  const { ready } = cursor;
  cursor.ready = [];
  return ready;
}

export function insert(cursor: NativeCursor, bytes: Uint8Array): void {
  release(cursor);
  cursor.ready.push(bytes);
}

/** Until there is a byte. */
export function* more(cursor: NativeCursor): Steps {
  while (cursor.at === cursor.chunk.length) yield;
}

export function* skip(cursor: NativeCursor, bytes: number): Steps {
  let left = bytes;
  while (left > cursor.chunk.length - cursor.at) {
    left -= cursor.chunk.length - cursor.at;
    cursor.at = cursor.chunk.length;
    yield;
  }
  cursor.at += left;
}

/** Passes over texts, each behind its length. */
export function* skipTexts(cursor: NativeCursor, count: number): Steps {
  for (let n = 0; n < count; n += 1) {
    const { chunk, at } = cursor;
    const length = chunk[at];
    // Most are short and lie within the chunk as a whole.
    if (length !== undefined && length < CONTINUED && at + length < chunk.length) cursor.at = at + length + 1;
    else yield* skip(cursor, yield* readVarUInt(cursor));
  }
}

/** How often each byte comes among the next ones, by its value. */
export function* readByteCounts(cursor: NativeCursor, count: number): Steps<readonly number[]> {
  const counts = Array<number>(BYTE_VALUES).fill(0);
  for (let n = 0; n < count; n += 1) {
    const byte = yield* readByte(cursor);
    counts[byte] = (counts[byte] ?? 0) + 1;
  }
  return counts;
}

export function* readVarUInt(cursor: NativeCursor): Steps<number> {
  let value = 0;
  for (let scale = 1; ; scale *= CONTINUED) {
    const next = yield* readByte(cursor);
    value += (next % CONTINUED) * scale;
    if (next < CONTINUED) return value;
  }
}

export function* readUInt64(cursor: NativeCursor): Steps<bigint> {
  return (yield* readBytes(cursor, UINT64_BYTES)).readBigUInt64LE();
}

export function* readText(cursor: NativeCursor): Steps<string> {
  return (yield* readBytes(cursor, yield* readVarUInt(cursor))).toString("utf8");
}

function* readBytes(cursor: NativeCursor, count: number): Steps<Buffer> {
  const copy = Buffer.alloc(count);
  for (let n = 0; n < count; n += 1) copy[n] = yield* readByte(cursor);
  return copy;
}

function* readByte(cursor: NativeCursor): Steps<number> {
  yield* more(cursor);
  const value = cursor.chunk[cursor.at] ?? 0;
  cursor.at += 1;
  return value;
}

function release(cursor: NativeCursor): void {
  if (cursor.at > cursor.released) cursor.ready.push(cursor.chunk.subarray(cursor.released, cursor.at));
  cursor.released = cursor.at;
}
