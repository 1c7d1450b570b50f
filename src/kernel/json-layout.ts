/**
 * The layout of JSON texts that look alike: the same names in the same order with the same spacing, and other strings and numbers in the same places. A producer's events do. Whether a text has
 * it is seen by comparing bytes, and of its values only those are made that somebody asks for.
 *
 * A text that has the layout says what the exact reader would read in it. So that this is plain to see, a layout covers less than JSON: printable ASCII without escapes. It is learned
 * (`learn-layout.ts`) from a text that the exact reader has read.
 */
import { canonicalJsonOf } from "./canonical-json-tree.ts";
import { itemAt, JsonNumber, JsonObject, type JsonValue } from "./json-tree.ts";

/** What stands at a place of each text: always the same value, a string or number of the text's own, or more places. */
export type LayoutPlace =
  | { readonly kind: "same"; readonly value: string | boolean | null }
  | { readonly kind: "text" | "number"; readonly slot: number }
  | { readonly kind: "array"; readonly items: readonly LayoutPlace[] }
  | LayoutObject;
export type LayoutObject = {
  readonly kind: "object";
  readonly names: readonly string[];
  readonly members: readonly LayoutPlace[];
};

/** Bytes that stay, with a slot between each two pieces of them. */
export type LayoutPieces = {
  readonly bytes: Uint8Array;
  /** Where the piece in front of each slot ends. The last one ends with the bytes. */
  readonly ends: readonly number[];
  readonly kinds: readonly ("text" | "number")[];
};

/** Canonical JSON of a place, in the same way; slots come in another order there. */
type Canonical = Pick<LayoutPieces, "bytes" | "ends"> & { readonly slots: readonly number[] };

const QUOTE = 34;
/** 1 for each byte of a text that a slot takes: one look instead of four comparisons. */
const GOES_ON = Uint8Array.from({ length: 256 }, (_, byte) => Number(/^[ !#-[\]-~]$/.test(String.fromCharCode(byte))));
/** With the quotes and the white space around them. */
const IS_PLAIN = GOES_ON.with(QUOTE, 1).with(9, 1).with(10, 1).with(13, 1);

/** Where canonical texts are put together, but for the longest. */
const canonicalBytes = Buffer.allocUnsafeSlow(16_384);

/** A text, and the same in UTF-8. */
export type EncodedText = { readonly text: string; readonly bytes: Uint8Array };

/** Where something begins: its byte, and its character, which is an earlier one behind what is no ASCII. */
export type TextPlace = { readonly byte: number; readonly character: number };

/** Reads the text that `fits` was last asked about, if it fits. */
export class JsonLayout {
  readonly #root: LayoutObject;
  readonly #pieces: Uint8Array;
  readonly #ends: Int32Array;
  readonly #isText: readonly boolean[];
  readonly #starts: Int32Array;
  readonly #stops: Int32Array;
  readonly #members = new Map<string, LayoutPlace | undefined>();
  readonly #paths = new Map<readonly string[], LayoutPlace | undefined>();
  readonly #canonical = new Map<string, Canonical>();
  /** Objects and arrays of the text, once they are made: many meters may ask for the same one. */
  readonly #made = new Map<LayoutPlace, JsonValue>();
  #source: EncodedText = { text: "", bytes: new Uint8Array() };
  /** By how many bytes the text is ahead of its characters. */
  #ahead = 0;
  #end = 0;

  constructor(root: LayoutObject, { bytes, ends, kinds }: LayoutPieces) {
    this.#root = root;
    this.#pieces = bytes;
    this.#ends = Int32Array.from([...ends, bytes.length]);
    this.#isText = kinds.map((kind) => kind === "text");
    this.#starts = new Int32Array(kinds.length);
    this.#stops = new Int32Array(kinds.length);
  }

  /** Whether a text of this layout begins there. */
  fits(source: EncodedText, from: TextPlace): boolean {
    const { bytes } = source;
    const pieces = this.#pieces;
    const slots = this.#starts.length;
    let at = from.byte;
    let piece = 0;
    for (let slot = 0; slot <= slots; slot += 1) {
      const pieceEnd = this.#ends[slot] as number;
      for (; piece < pieceEnd; piece += 1, at += 1) if (bytes[at] !== pieces[piece]) return false;
      if (slot === slots) break;
      this.#starts[slot] = at;
      at = this.#isText[slot] === true ? endOfText(bytes, at) : endOfNumber(bytes, at);
      if (at < 0) return false;
      this.#stops[slot] = at;
    }
    this.#source = source;
    this.#ahead = from.byte - from.character;
    this.#end = at;
    if (this.#made.size > 0) this.#made.clear();
    return true;
  }

  /** The byte behind the text. */
  get end(): number {
    return this.#end;
  }

  get(name: string): JsonValue | undefined {
    let place = this.#members.get(name);
    if (place === undefined && !this.#members.has(name)) {
      place = memberOf(this.#root, name);
      this.#members.set(name, place);
    }
    return place && this.#valueOf(place);
  }

  /** What the names, or places in arrays, lead to. It is kept where each list of them leads, so the same ones should come again. */
  at(path: readonly string[]): JsonValue | undefined {
    let place = this.#paths.get(path);
    if (place === undefined && !this.#paths.has(path)) {
      place = path.reduce<LayoutPlace | undefined>((outer, name) => memberOf(outer, name), this.#root);
      this.#paths.set(path, place);
    }
    return place && this.#valueOf(place);
  }

  /** Canonical JSON of a member; of null if there is none. */
  canonicalOf(name: string): string {
    let canonical = this.#canonical.get(name);
    if (canonical === undefined) {
      canonical = canonicalOf(memberOf(this.#root, name));
      this.#canonical.set(name, canonical);
    }
    return this.#filled(canonical);
  }

  #filled({ bytes, ends, slots }: Canonical): string {
    const source = this.#source.bytes;
    let length = bytes.length;
    for (const slot of slots) length += (this.#stops[slot] as number) - (this.#starts[slot] as number);
    const output = length > canonicalBytes.length ? Buffer.allocUnsafe(length) : canonicalBytes;
    let to = 0;
    let piece = 0;
    for (let index = 0; index < slots.length; index += 1) {
      for (const end = ends[index] as number; piece < end; piece += 1, to += 1) output[to] = bytes[piece] as number;
      const stop = this.#stops[slots[index] as number] as number;
      for (let at = this.#starts[slots[index] as number] as number; at < stop; at += 1, to += 1)
        output[to] = source[at] as number;
    }
    for (; piece < bytes.length; piece += 1, to += 1) output[to] = bytes[piece] as number;
    return output.toString("latin1", 0, to);
  }

  #valueOf(place: LayoutPlace): JsonValue {
    switch (place.kind) {
      case "same":
        return place.value;
      case "text":
        return this.#textOf(place.slot);
      case "number":
        return new JsonNumber(this.#textOf(place.slot));
      case "array":
      case "object":
        return this.#made.get(place) ?? this.#make(place);
    }
  }

  #make(place: Extract<LayoutPlace, { kind: "array" | "object" }>): JsonValue {
    const made = place.kind === "object" ? this.#objectOf(place) : place.items.map((item) => this.#valueOf(item));
    this.#made.set(place, made);
    return made;
  }

  #objectOf({ names, members }: LayoutObject): JsonObject {
    const object = new JsonObject();
    members.forEach((member, at) => object.add(names[at] as string, this.#valueOf(member)));
    return object;
  }

  #textOf(slot: number): string {
    const ahead = this.#ahead;
    return this.#source.text.slice((this.#starts[slot] as number) - ahead, (this.#stops[slot] as number) - ahead);
  }
}

/** Whether all of a text is what a layout may cover. */
export function isPlain(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += 1) if (IS_PLAIN[bytes[at] as number] === 0) return false;
  return true;
}

/** The quote behind a string whose characters begin there; -1 for a string that no layout covers. */
export function endOfText(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && GOES_ON[bytes[at] as number] === 1) at += 1;
  return bytes[at] === QUOTE ? at : -1;
}

/** The byte behind a number of JSON's grammar that begins there; -1 for anything else. */
export function endOfNumber(bytes: Uint8Array, from: number): number {
  const first = bytes[from] === 45 ? from + 1 : from;
  let at = endOfDigits(bytes, first);
  if (at === first || (bytes[first] === 48 && at > first + 1)) return -1;
  if (bytes[at] === 46) {
    const end = endOfDigits(bytes, at + 1);
    if (end === at + 1) return -1;
    at = end;
  }
  if (bytes[at] !== 101 && bytes[at] !== 69) return at;
  const sign = bytes[at + 1];
  const digits = sign === 43 || sign === 45 ? at + 2 : at + 1;
  const end = endOfDigits(bytes, digits);
  return end === digits ? -1 : end;
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) at += 1;
  return at;
}

function memberOf(place: LayoutPlace | undefined, name: string): LayoutPlace | undefined {
  if (place?.kind === "object") return place.members[place.names.indexOf(name)];
  return place?.kind === "array" ? itemAt(place.items, name) : undefined;
}

function canonicalOf(place: LayoutPlace | undefined): Canonical {
  const ends: number[] = [];
  const slots: number[] = [];
  let bytes = "";
  const write = (at: LayoutPlace): void => {
    if (at.kind === "same") bytes += canonicalJsonOf(at.value);
    else if (at.kind === "array") writeArray(at.items);
    else if (at.kind === "object") writeObject(at);
    else {
      const quote = at.kind === "text" ? '"' : "";
      bytes += quote;
      ends.push(bytes.length);
      slots.push(at.slot);
      bytes += quote;
    }
  };
  const writeArray = (items: readonly LayoutPlace[]): void => {
    bytes += "[";
    for (const [order, item] of items.entries()) {
      if (order > 0) bytes += ",";
      write(item);
    }
    bytes += "]";
  };
  const writeObject = ({ names, members }: LayoutObject): void => {
    bytes += "{";
    for (const [order, name] of names.toSorted().entries()) {
      bytes += `${order > 0 ? "," : ""}${canonicalJsonOf(name)}:`;
      write(members[names.indexOf(name)] as LayoutPlace);
    }
    bytes += "}";
  };
  if (place === undefined) bytes = "null";
  else write(place);
  return { bytes: Buffer.from(bytes, "latin1"), ends, slots };
}
