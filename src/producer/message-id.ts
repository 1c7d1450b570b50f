/**
 * `Nats-Msg-Id`, by which JetStream drops a repetition without looking at its body. A single event has `<source>/<id>`, as any other client gives it; several
 * have a hash over source and body. So has a single one whose source and id could be read as another pair ("a" and "b/c" as "a/b" and "c") or that a header
 * would not carry as they are (spaces at an end are cut, for one): dropping another event's message would lose it.
 */
import { sha256HexOfBoth } from "../kernel/hash.ts";

export type MessageIdInput = {
  readonly source: string;
  readonly ids: readonly string[];
  readonly body: Uint8Array;
  /** Empty for a retry; another salt makes other ids, for events that are meant to be decided again. */
  readonly salt: string;
};

const PRINTABLE = /^[!-~]{1,1024}$/;
const PRINTABLE_WITHOUT_SLASH = /^[!-.0-~]{1,1024}$/;

export function messageIdOf({ source, ids, body, salt }: MessageIdInput): string {
  const [id] = ids;
  if (ids.length === 1 && id !== undefined && salt === "" && PRINTABLE_WITHOUT_SLASH.test(id) && PRINTABLE.test(source))
    return `${source}/${id}`;
  // JSON quotes the source, so that no two (source, salt, body) run into each other.
  return sha256HexOfBoth(JSON.stringify([source, salt]), body);
}
