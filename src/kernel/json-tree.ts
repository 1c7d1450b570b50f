/** What exact JSON reads into: plain strings, booleans, null and arrays, but numbers as written and objects of our own. */
import { looseShape, type JsonShape } from "./json-shape.ts";

/** Beyond it a Map finds names: an object of 100,000 members must not take time quadratic in them. */
const LINEAR_SEARCH_MAX = 16;

/** A number as it was written: `1.50` stays `1.50`. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An object's members in the order they were written. Not a Map: objects are small, and comparing a few names is faster than hashing them. */
export class JsonObject {
  readonly values: JsonValue[] = [];
  #shape: JsonShape;
  /** Instead of the shape's, where they are too many or too long for one. */
  #own: string[] | undefined;
  #index: Map<string, number> | undefined;

  /** `empty`: the shape without names of its place. */
  constructor(empty: JsonShape = looseShape()) {
    this.#shape = empty;
  }

  get names(): readonly string[] {
    return this.#own ?? this.#shape.names;
  }

  /** Undefined where the names are the object's own. */
  get shape(): JsonShape | undefined {
    return this.#own === undefined ? this.#shape : undefined;
  }

  get(name: string): JsonValue | undefined {
    const position = this.indexOf(name);
    return position < 0 ? undefined : this.values[position];
  }

  indexOf(name: string): number {
    const { names } = this;
    if (names.length > LINEAR_SEARCH_MAX) return this.#indexed().get(name) ?? -1;
    for (let position = 0; position < names.length; position += 1) if (names[position] === name) return position;
    return -1;
  }

  /** Adds a member unless the name is there already; false then. */
  add(name: string, value: JsonValue): boolean {
    const longer = this.shape?.longer(name);
    if (longer !== undefined) {
      this.grow(longer, value);
      return true;
    }
    if (this.indexOf(name) >= 0) return false;
    this.#own ??= [...this.#shape.names];
    this.#index?.set(name, this.#own.length);
    this.#own.push(name);
    this.values.push(value);
    return true;
  }

  /** Adds the member whose name the longer shape has more than the object's own one. */
  grow(longer: JsonShape, value: JsonValue): void {
    this.#shape = longer;
    this.values.push(value);
  }

  #indexed(): Map<string, number> {
    this.#index ??= new Map(this.names.map((name, position) => [name, position]));
    return this.#index;
  }
}

const ARRAY_INDEX = /^(?:0|[1-9]\d{0,8})$/;

/** The item that a name of JSON pointers (RFC 6901) leads to; undefined for one that is no place in an array. */
export function itemAt<Item>(items: readonly Item[], name: string): Item | undefined {
  return ARRAY_INDEX.test(name) ? items[Number(name)] : undefined;
}

export type JsonValue = string | boolean | null | JsonNumber | JsonObject | readonly JsonValue[];
