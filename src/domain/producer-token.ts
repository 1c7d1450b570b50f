/**
 * The producer's token in a subject: `usage.<token>`. It is the event's source with every byte that a subject can't carry written as `~` and two
 * upper-case hex digits. There is exactly one token per source, because the token decides the shard: a second spelling of the same source
 * would let one identity reach two writers.
 */
import { decodeUtf8 } from "../kernel/utf8.ts";

const PLAIN = /^[A-Za-z0-9_-]+$/;
const TOKEN = /^(?:[A-Za-z0-9_-]|~[0-9A-F]{2})+$/;
const utf8 = new TextEncoder();

/** `gateway/eu` is `gateway~2Feu`. The source must not be empty: NATS has no empty tokens. */
export function producerTokenOf(source: string): string {
  if (PLAIN.test(source)) return source;
  let token = "";
  for (const byte of utf8.encode(source)) {
    const character = String.fromCharCode(byte);
    token += PLAIN.test(character) ? character : `~${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return token;
}

/** The source that a token stands for; undefined for what `producerTokenOf` never gives. */
export function sourceOfProducerToken(token: string): string | undefined {
  if (!TOKEN.test(token)) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at += 1) {
    if (token.charAt(at) !== "~") {
      bytes.push(token.charCodeAt(at));
      continue;
    }
    bytes.push(Number.parseInt(token.slice(at + 1, at + 3), 16));
    at += 2;
  }
  const source = decodeUtf8(Uint8Array.from(bytes));
  return source !== undefined && producerTokenOf(source) === token ? source : undefined;
}

/** The producer's token of a subject `usage.<token>…`; empty when there is none. */
export function producerTokenOfSubject(subject: string): string {
  const start = subject.indexOf(".") + 1;
  const end = subject.indexOf(".", start);
  return start === 0 ? "" : subject.slice(start, end < 0 ? subject.length : end);
}
