/** Learns the layout of a JSON text in which the exact reader has found no flaw: what stands where, and which bytes stay. */
import {
  endOfNumber,
  endOfText,
  JsonLayout,
  type LayoutObject,
  type LayoutPieces,
  type LayoutPlace,
} from "./json-layout.ts";

/** Values, objects and arrays: hardly another text has all the names that one with more of them has. */
const PLACES_MAX = 200;
/** That stay: names, white space and the rest between the slots. */
const BYTES_MAX = 16_384;

/** `same`: members of the outermost object whose strings belong to the layout. Undefined for a text that is too large or no object, and for one that no layout covers. */
export function learnLayout(bytes: Uint8Array, same: ReadonlySet<string>): JsonLayout | undefined {
  const learner = new Learner(bytes);
  const root = learner.object(same);
  return root === undefined || learner.isTooLong() ? undefined : new JsonLayout(root, learner.pieces());
}

const LITERALS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;
const NONE: ReadonlySet<string> = new Set();

class Learner {
  readonly #source: Uint8Array;
  readonly #bytes: number[] = [];
  readonly #ends: number[] = [];
  readonly #kinds: ("text" | "number")[] = [];
  #places = 0;
  #at = 0;

  constructor(source: Uint8Array) {
    this.#source = source;
  }

  pieces(): LayoutPieces {
    return { bytes: Uint8Array.from(this.#bytes), ends: this.#ends, kinds: this.#kinds };
  }

  isTooLong(): boolean {
    return this.#bytes.length > BYTES_MAX;
  }

  object(same = NONE): LayoutObject | undefined {
    const names: string[] = [];
    const members: LayoutPlace[] = [];
    const isRead = this.#list(
      "{}",
      () => {
        const name = this.#sameText();
        if (name === undefined || !this.#passes(":")) return undefined;
        names.push(name);
        return this.#value(same.has(name));
      },
      members,
    );
    return isRead ? { kind: "object", names, members } : undefined;
  }

  /** Reads what stands between the brackets, and the commas. */
  #list(brackets: string, read: () => LayoutPlace | undefined, into: LayoutPlace[]): boolean {
    const [open = "", close = ""] = brackets;
    if (!this.#passes(open)) return false;
    if (this.#passes(close)) return true;
    do {
      const place = read();
      if (place === undefined) return false;
      into.push(place);
    } while (this.#passes(","));
    return this.#passes(close);
  }

  #value(isSame: boolean): LayoutPlace | undefined {
    this.#places += 1;
    if (this.#places > PLACES_MAX) return undefined;
    const byte = this.#next();
    if (byte === "{") return this.object();
    if (byte === "[") {
      const items: LayoutPlace[] = [];
      return this.#list("[]", () => this.#value(false), items) ? { kind: "array", items } : undefined;
    }
    if (byte === '"') return isSame ? this.#sameValue() : this.#slot("text");
    const literal = LITERALS.find(([word]) => this.#passes(word));
    return literal === undefined ? this.#slot("number") : { kind: "same", value: literal[1] };
  }

  #sameValue(): LayoutPlace | undefined {
    const value = this.#sameText();
    return value === undefined ? undefined : { kind: "same", value };
  }

  #sameText(): string | undefined {
    if (!this.#passes('"')) return undefined;
    const from = this.#at;
    const end = endOfText(this.#source, from);
    if (end < 0) return undefined;
    this.#keepTo(end);
    return this.#passes('"') ? Buffer.from(this.#source.subarray(from, end)).toString("latin1") : undefined;
  }

  #slot(kind: "text" | "number"): LayoutPlace | undefined {
    if (kind === "text" && !this.#passes('"')) return undefined;
    const end = kind === "text" ? endOfText(this.#source, this.#at) : endOfNumber(this.#source, this.#at);
    if (end < 0) return undefined;
    const slot = this.#kinds.length;
    this.#kinds.push(kind);
    this.#ends.push(this.#bytes.length);
    this.#at = end;
    if (kind === "text" && !this.#passes('"')) return undefined;
    return { kind, slot };
  }

  /** The next byte that is no white space; what was passed stays as it is. */
  #next(): string {
    let at = this.#at;
    while (at - this.#at <= BYTES_MAX && [32, 9, 10, 13].includes(this.#source[at] ?? 0)) at += 1;
    this.#keepTo(at);
    return String.fromCharCode(this.#source[at] ?? 0);
  }

  /** Passes the word, if it comes next, and white space in front of it in any case. */
  #passes(word: string): boolean {
    this.#next();
    for (let at = 0; at < word.length; at += 1) if (this.#source[this.#at + at] !== word.charCodeAt(at)) return false;
    this.#keepTo(this.#at + word.length);
    return true;
  }

  /** Beyond the limit by one byte at most. */
  #keepTo(end: number): void {
    const last = Math.min(end, this.#at + BYTES_MAX + 1 - this.#bytes.length);
    for (; this.#at < last; this.#at += 1) this.#bytes.push(this.#source[this.#at] as number);
  }
}
