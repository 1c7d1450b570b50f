/**
 * Who an event is, and what it says. The key is over source and id alone, as CloudEvents defines identity: a retry with another timestamp is
 * the same event. The body hash covers what is billed (type, customer, data with its numbers as written) and not time or extensions.
 */
import { canonicalJsonOf } from "../kernel/canonical-json-tree.ts";
import { sha256UInt128 } from "../kernel/hash.ts";
import { utf8Length } from "../kernel/utf8.ts";

/** The part of a key's text that all events of a source share. The length in front keeps ("a", "bc") and ("ab", "c") apart. */
export function eventKeyPrefix(source: string): string {
  return `${utf8Length(source)}:${source}`;
}

/** The first 16 bytes of SHA-256 over `<bytes of source>:<source><id>`, little endian. */
export function eventKeyOf(prefix: string, id: string): bigint {
  return sha256UInt128(prefix + id);
}

export type EventBody = {
  readonly type: string;
  readonly customer: string;
  /** In canonical JSON. Absent data and null are the same. */
  readonly data: string;
};

/** The first 16 bytes of SHA-256 over the canonical JSON of [type, customer key, data]. */
export function bodyHashOf({ type, customer, data }: EventBody): bigint {
  return sha256UInt128(`[${canonicalJsonOf(type)},${canonicalJsonOf(customer)},${data}]`);
}
