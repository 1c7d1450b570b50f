/** An event as decoding asks for it: a tree that was read whole, or a text of known layout of which only what is asked for is read. */
import { canonicalJsonOf } from "../kernel/canonical-json-tree.ts";
import type { JsonObject, JsonValue } from "../kernel/json-tree.ts";
import { followPointer, type JsonPointer } from "./json-pointer.ts";

export type EventMembers = {
  get(name: string): JsonValue | undefined;
  at(pointer: JsonPointer): JsonValue | undefined;
  /** Canonical JSON of a member; of null for one that is absent. */
  canonicalOf(name: string): string;
};

export class TreeMembers implements EventMembers {
  readonly #tree: JsonObject;

  constructor(tree: JsonObject) {
    this.#tree = tree;
  }

  get(name: string): JsonValue | undefined {
    return this.#tree.get(name);
  }

  at(pointer: JsonPointer): JsonValue | undefined {
    return followPointer(this.#tree, pointer);
  }

  canonicalOf(name: string): string {
    return canonicalJsonOf(this.#tree.get(name) ?? null);
  }
}
