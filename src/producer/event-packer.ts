/**
 * Packs events into messages: several events of one source become one JSON array, because a message costs the server as much as a
 * hundred events in it. What is packed together follows from the order of the events alone, so a repetition gives the same messages
 * with the same ids.
 */
import { producerTokenOf } from "../domain/producer-token.ts";
import { messageIdOf } from "./message-id.ts";

/** An event as its own JSON text: it is sent byte for byte, with its numbers as written. */
export type PackableEvent = {
  readonly source: string;
  readonly id: string;
  readonly text: string;
  /** Its number in the spool; none without one. */
  readonly number?: number;
};

export type PackedMessage = {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly msgId: string;
  readonly events: number;
  readonly source: string;
  /** Of its events, in their order. */
  readonly ids: readonly string[];
  /** Of its events in the spool; empty without one. */
  readonly numbers: readonly number[];
};

export type PackLimits = {
  readonly eventsMax: number;
  /** A message is closed before it grows past this; a single event may be larger. */
  readonly bytesMax: number;
  /** Sources with an open message at the same time; the longest open one is closed first. */
  readonly sourcesMax: number;
};

export type EventPacker = {
  /** Adds an event and returns the messages that are complete now. */
  add(event: PackableEvent): readonly PackedMessage[];
  /** Closes every open message. */
  flush(): readonly PackedMessage[];
  /** Events in open messages. */
  open(): number;
};

type OpenMessage = { readonly events: PackableEvent[]; bytes: number };

const NOTHING: readonly PackedMessage[] = [];
const COMMA = 1;

export function createEventPacker(limits: PackLimits, salt = ""): EventPacker {
  const open = new Map<string, OpenMessage>();

  const close = (source: string): PackedMessage[] => {
    const message = open.get(source);
    if (message === undefined) return [];
    open.delete(source);
    return [packMessage(message.events, salt)];
  };

  /** The source's open message, with room for so many bytes. */
  const openFor = (source: string, bytes: number, closed: PackedMessage[]): OpenMessage => {
    const current = open.get(source);
    if (current !== undefined && current.bytes + bytes <= limits.bytesMax) return current;
    closed.push(...close(source));
    const oldest = open.size >= limits.sourcesMax ? open.keys().next().value : undefined;
    if (oldest !== undefined) closed.push(...close(oldest));
    const message = { events: [], bytes: 0 };
    open.set(source, message);
    return message;
  };

  return {
    add: (event) => {
      if (limits.eventsMax === 1) return [packMessage([event], salt)];
      const closed: PackedMessage[] = [];
      const bytes = Buffer.byteLength(event.text) + COMMA;
      const message = openFor(event.source, bytes, closed);
      message.events.push(event);
      message.bytes += bytes;
      if (message.events.length >= limits.eventsMax) closed.push(...close(event.source));
      return closed.length === 0 ? NOTHING : closed;
    },
    flush: () => [...open.keys()].flatMap(close),
    open: () => [...open.values()].reduce((sum, { events }) => sum + events.length, 0),
  };
}

/** Events of one source; the same events give the same bytes and the same id. */
export function packMessage(events: readonly PackableEvent[], salt: string): PackedMessage {
  const source = events[0]?.source ?? "";
  const ids: string[] = [];
  const numbers: number[] = [];
  for (const { id, number } of events) {
    ids.push(id);
    if (number !== undefined) numbers.push(number);
  }
  const text = events.length === 1 ? (events[0]?.text ?? "") : `[${events.map((event) => event.text).join(",")}]`;
  const body = Buffer.from(text);
  const msgId = messageIdOf({ source, ids, body, salt });
  return { subject: subjectOf(source), body, msgId, events: events.length, source, ids, numbers };
}

/** Most messages are of the source of the one before; encoding a source costs as much as all the rest of packing a single event. */
let latest = { source: "", subject: "" };

function subjectOf(source: string): string {
  if (latest.source !== source) latest = { source, subject: `usage.${producerTokenOf(source)}` };
  return latest.subject;
}
