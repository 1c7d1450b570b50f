/**
 * Packs events into messages: several events of one source become one JSON array, because a message costs the server as much as a
 * hundred events in it. What is packed together follows from the order of the events alone, so a repetition gives the same messages
 * with the same ids.
 */
import { producerTokenOf } from "../../domain/producer-token.ts";
import { sha256Hex } from "../../kernel/hash.ts";

/** An event as its own JSON text: it is sent byte for byte, with its numbers as written. */
export type PackableEvent = { readonly source: string; readonly text: string };

export type PackedMessage = {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly msgId: string;
  readonly events: number;
};

export type PackLimits = {
  readonly eventsMax: number;
  /** A message is closed before it grows past this; a single event may be larger. */
  readonly bytesMax: number;
  /** Sources with an open message at the same time; the longest open one is closed first. */
  readonly sourcesMax: number;
};

const PACK_LIMITS: PackLimits = { eventsMax: 100, bytesMax: 256 * 1024, sourcesMax: 256 };

export type EventPacker = {
  /** Adds an event and returns the messages that are complete now. */
  add(event: PackableEvent): readonly PackedMessage[];
  /** Closes every open message. */
  flush(): readonly PackedMessage[];
};

type OpenMessage = { readonly texts: string[]; length: number };

const utf8 = new TextEncoder();

/** `salt` is empty for a retry; another salt makes other message ids, for events that are meant to be decided again. */
export function createEventPacker(salt: string, limits: PackLimits = PACK_LIMITS): EventPacker {
  const open = new Map<string, OpenMessage>();

  const close = (source: string): PackedMessage[] => {
    const message = open.get(source);
    if (message === undefined) return [];
    open.delete(source);
    return [pack({ source, texts: message.texts, salt })];
  };

  return {
    add: ({ source, text }) => {
      const closed: PackedMessage[] = [];
      const current = open.get(source);
      if (current !== undefined && current.length + text.length > limits.bytesMax) closed.push(...close(source));
      if (!open.has(source)) {
        const oldest = open.size >= limits.sourcesMax ? open.keys().next().value : undefined;
        if (oldest !== undefined) closed.push(...close(oldest));
        open.set(source, { texts: [], length: 0 });
      }
      const message = open.get(source);
      message?.texts.push(text);
      if (message !== undefined) message.length += text.length;
      if (message !== undefined && message.texts.length >= limits.eventsMax) closed.push(...close(source));
      return closed;
    },
    flush: () => [...open.keys()].flatMap(close),
  };
}

function pack(input: {
  readonly source: string;
  readonly texts: readonly string[];
  readonly salt: string;
}): PackedMessage {
  const { source, texts, salt } = input;
  const text = texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(",")}]`;
  return {
    subject: `usage.${producerTokenOf(source)}`,
    body: utf8.encode(text),
    // JSON quotes the source, so that no two (source, salt, body) run into each other.
    msgId: sha256Hex(`${JSON.stringify([source, salt])}${text}`),
    events: texts.length,
  };
}
