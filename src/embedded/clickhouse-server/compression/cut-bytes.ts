/** Bytes that arrive in pieces of any size, taken in pieces of wanted sizes. */

export class CutBytes {
  readonly #pieces: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** The next bytes without taking them; null when so many are not there yet. */
  peek(count: number): Buffer | null {
    if (this.#length < count) return null;
    const first = this.#pieces[0] ?? Buffer.alloc(0);
    if (first.length >= count) return first.subarray(0, count);
    const all = Buffer.concat(this.#pieces.splice(0));
    this.#pieces.push(all);
    return all.subarray(0, count);
  }

  take(count: number): Buffer | null {
    const taken = this.peek(count);
    if (taken === null || count === 0) return taken;
    const first = this.#pieces[0] ?? Buffer.alloc(0);
    if (first.length === count) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(count);
    this.#length -= count;
    return taken;
  }
}

/** The same bytes in pieces of this size; the last one may be shorter, and is never empty. */
export async function* inPiecesOf(size: number, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const waiting = new CutBytes();
  for await (const piece of pieces) {
    waiting.add(piece);
    for (let full = waiting.take(size); full !== null; full = waiting.take(size)) yield full;
  }
  const last = waiting.length > 0 ? waiting.take(waiting.length) : null;
  if (last !== null) yield last;
}
