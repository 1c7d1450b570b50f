/**
 * Packs events into messages: several events of one source become one JSON array, because a message costs the server as much as a
 * hundred events in it. What is packed together follows from the order of the events alone, so a repetition gives the same messages
 * with the same ids.
 */
import { producerTokenOf } from "../domain/producer-token.ts";
import { createBodyMemory, type BodyCopy } from "./body-memory.ts";
import { appendText, emptyBody, hasRoomFor, takeBytes, type MessageBody } from "./message-body.ts";
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
  /** Of the body, with room for its frame. */
  readonly memory?: Uint8Array | undefined;
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
  /** Memory of bodies that is kept for later ones although none needs it at the moment; without it, none is. */
  readonly spareBytesMax?: number;
};

export type EventPacker = {
  /** Adds an event and returns the messages that are complete now. */
  add(event: PackableEvent): readonly PackedMessage[];
  /** Closes every open message. */
  flush(): readonly PackedMessage[];
  /** Nothing reads the message's body any more. */
  reuse(message: PackedMessage): void;
};

type OpenMessage = {
  readonly source: string;
  readonly ids: string[];
  readonly numbers: number[];
  readonly body: MessageBody;
};

const NOTHING: readonly PackedMessage[] = [];

export function createEventPacker(limits: PackLimits, salt = ""): EventPacker {
  const open = new Map<string, OpenMessage>();
  /** Of messages that are closed, for the next ones: as many as were open at once. */
  const spareBodies: MessageBody[] = [];
  const memory = createBodyMemory(limits.spareBytesMax ?? 0);

  const close = (message: OpenMessage): PackedMessage => {
    open.delete(message.source);
    spareBodies.push(message.body);
    return packed(message, memory.copyOf(takeBytes(message.body, message.ids.length)), salt);
  };

  /** Closes the source's message, which has no room, or the oldest of all if as many are open as may be. */
  const makeRoom = (source: string): readonly PackedMessage[] => {
    const current = open.get(source);
    if (current !== undefined) return [close(current)];
    const [oldest] = open.size >= limits.sourcesMax ? open.values() : [];
    return oldest === undefined ? NOTHING : [close(oldest)];
  };

  const begin = (source: string): OpenMessage => {
    const message = { source, ids: [], numbers: [], body: spareBodies.pop() ?? emptyBody() };
    open.set(source, message);
    return message;
  };

  return {
    add: (event) => {
      if (limits.eventsMax === 1) return [packSingle(event, salt)];
      const current = open.get(event.source);
      const hasRoom = current !== undefined && hasRoomFor(current.body, event.text, limits.bytesMax);
      const closed = hasRoom ? NOTHING : makeRoom(event.source);
      const message = hasRoom ? current : begin(event.source);
      append(message, event);
      return message.ids.length < limits.eventsMax ? closed : [...closed, close(message)];
    },
    flush: () => [...open.values()].map(close),
    reuse: ({ body }) => memory.reuse(body),
  };
}

/** Events of one source; the same events give the same bytes and the same id. */
export function packMessage(events: readonly PackableEvent[], salt: string): PackedMessage {
  const [first] = events;
  if (first !== undefined && events.length === 1) return packSingle(first, salt);
  const message = { source: first?.source ?? "", ids: [], numbers: [], body: emptyBody() };
  for (const event of events) append(message, event);
  return packed(message, { body: Buffer.from(takeBytes(message.body, events.length)) }, salt);
}

function packSingle({ source, id, number, text }: PackableEvent, salt: string): PackedMessage {
  return packed(
    { source, ids: [id], numbers: number === undefined ? [] : [number] },
    { body: Buffer.from(text) },
    salt,
  );
}

function append({ ids, numbers, body }: OpenMessage, { id, number, text }: PackableEvent): void {
  ids.push(id);
  if (number !== undefined) numbers.push(number);
  appendText(body, text);
}

type MessageHead = Pick<PackedMessage, "source" | "ids" | "numbers">;

function packed({ source, ids, numbers }: MessageHead, { body, memory }: BodyCopy, salt: string): PackedMessage {
  const msgId = messageIdOf({ source, ids, body, salt });
  return { subject: subjectOf(source), body, memory, msgId, events: ids.length, source, ids, numbers };
}

/** Most messages are of the source of the one before; encoding a source costs as much as all the rest of packing a single event. */
let latest = { source: "", subject: "" };

function subjectOf(source: string): string {
  if (latest.source !== source) latest = { source, subject: `usage.${producerTokenOf(source)}` };
  return latest.subject;
}
