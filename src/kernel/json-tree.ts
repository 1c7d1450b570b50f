/** What exact JSON reads into: plain strings, booleans, null and arrays, but numbers as written and objects of our own. */

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
  readonly names: string[] = [];
  readonly values: JsonValue[] = [];
  #index: Map<string, number> | undefined;

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
    if (this.indexOf(name) >= 0) return false;
    this.#index?.set(name, this.names.length);
    this.names.push(name);
    this.values.push(value);
    return true;
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
