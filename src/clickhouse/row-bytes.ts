/** The bytes of rows that are written as texts one after the other: the texts are gone at once, and no insert is ever one long text. */
const PIECE_BYTES = 1_048_576;
/** UTF-8 of one UTF-16 code unit takes at most so many bytes. */
const BYTES_PER_UNIT_MAX = 3;

export type RowBytes = {
  add(text: string): void;
  /** Views of all bytes so far, in order; nothing is added afterwards. */
  pieces(): readonly Uint8Array[];
};

export function rowBytes(): RowBytes {
  const full: Uint8Array[] = [];
  let piece = Buffer.alloc(0);
  let length = 0;

  function finish(): void {
    if (length > 0) full.push(piece.subarray(0, length));
    length = 0;
  }

  return {
    add(text) {
      const bytesMax = text.length * BYTES_PER_UNIT_MAX;
      if (length + bytesMax > piece.length) {
        finish();
        piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, bytesMax));
      }
      length += piece.write(text, length);
    },
    pieces() {
      finish();
      return full;
    },
  };
}
