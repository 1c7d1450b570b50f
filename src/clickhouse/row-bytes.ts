/** The bytes of rows that are written as texts one after the other: the texts are gone at once, and no insert is ever one long text. */
const PIECE_BYTES = 1_048_576;
/** UTF-8 of one UTF-16 code unit takes at most so many bytes. */
const BYTES_PER_UNIT_MAX = 3;
/** Two batches of rated lines at a time fill less. */
const FREE_PIECES_MAX = 32;

export type RowBytes = {
  add(text: string): void;
  /** Views of all bytes so far, in order; nothing is added afterwards. */
  pieces(): readonly Uint8Array[];
  /** Nobody reads the pieces any more: the next rows may be written over them. */
  release(): void;
};

/** Gives one after the other. New memory costs more than what is written into it, so what was released is used again. */
export function rowBytesSource(): () => RowBytes {
  const free: Buffer[] = [];
  const bufferOf = (bytes: number): Buffer =>
    bytes > PIECE_BYTES ? Buffer.allocUnsafeSlow(bytes) : (free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES));
  return () => rowBytes(bufferOf, free);
}

function rowBytes(bufferOf: (bytes: number) => Buffer, free: Buffer[]): RowBytes {
  let buffers: Buffer[] = [];
  const full: Uint8Array[] = [];
  let buffer: Buffer = Buffer.alloc(0);
  let length = 0;

  function finish(): void {
    if (length > 0) full.push(buffer.subarray(0, length));
    length = 0;
  }

  return {
    add(text) {
      const bytesMax = text.length * BYTES_PER_UNIT_MAX;
      if (length + bytesMax > buffer.length) {
        finish();
        buffer = bufferOf(bytesMax);
        buffers.push(buffer);
      }
      length += buffer.write(text, length);
    },
    pieces() {
      finish();
      return full;
    },
    release() {
      for (const used of buffers) if (used.length === PIECE_BYTES && free.length < FREE_PIECES_MAX) free.push(used);
      buffers = [];
    },
  };
}
