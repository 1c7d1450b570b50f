/**
 * A message into its events: one event, or a JSON array of up to 10,000. Every message gives at least one row, so that nothing that a stream
 * stored disappears: what can't be taken apart is one rejected row with the whole message as its raw bytes.
 */
import {
  EVENTS_PER_MESSAGE_MAX,
  type DecodedEvent,
  type RejectionReason,
  type UsageMessage,
} from "../domain/usage-event.ts";
import { replayOfSubject } from "../domain/quarantine.ts";
import { producerTokenOfSubject } from "../domain/producer-token.ts";
import { parseExactElement, type JsonElement, type JsonError, type JsonErrorCode } from "../kernel/exact-json.ts";
import type { EncodedText } from "../kernel/json-layout.ts";
import { decodeUtf8, utf8Length } from "../kernel/utf8.ts";
import type { DecodeContext } from "./decode-context.ts";
import { decodeEvent, decodeMembers, rejectedEvent, type EventPlace } from "./decode-event.ts";
import { rejection } from "./rejection.ts";

const JSON_REASONS: Readonly<Record<JsonErrorCode, RejectionReason>> = {
  empty: "empty_message",
  invalid_json: "invalid_json",
  too_deep: "too_deep",
  too_many_elements: "too_many_events",
  duplicate_key: "duplicate_key",
  lone_surrogate: "invalid_json",
};

export function decodeMessage(message: UsageMessage, context: DecodeContext): readonly DecodedEvent[] {
  const place: EventPlace = {
    seq: message.seq,
    position: 0,
    subject: message.subject,
    producerToken: producerTokenOfSubject(message.subject),
    ingestedAt: message.ingestedAt,
    arrivedAt: replayOfSubject(message.subject)?.arrivedAt ?? message.ingestedAt,
    raw: message.body,
  };
  const whole = (reason: RejectionReason, detail: string): readonly DecodedEvent[] => [
    rejectedEvent(place, rejection(reason, detail)),
  ];
  if (message.binaryMode === true) {
    return whole(
      "binary_mode_unsupported",
      "the message has ce- headers: send the event as structured JSON without them",
    );
  }
  const text = decodeUtf8(message.body);
  if (text === undefined) return whole("invalid_utf8", "the message is not valid UTF-8");
  const events = new MessageReader({ place, text, context }).events();
  if ("error" in events) return whole(JSON_REASONS[events.error], `${events.error} at character ${events.at}`);
  return events.length === 0 ? whole("empty_message", "the array holds no event") : events;
}

const ARRAY_START = 91;
const ARRAY_END = 93;
const COMMA = 44;

type MessageInput = { readonly place: EventPlace; readonly text: string; readonly context: DecodeContext };

/** Reads the events of a message one after the other: by its layout where that is known, and by the exact reader otherwise. */
class MessageReader {
  readonly #place: EventPlace;
  readonly #context: DecodeContext;
  readonly #message: EncodedText;
  /** The byte that comes next, and its character. */
  #byte = 0;
  #character = 0;

  constructor({ place, text, context }: MessageInput) {
    this.#place = place;
    this.#context = context;
    this.#message = { text, bytes: place.raw };
  }

  /** What is wrong where, for a message that can't be taken apart: as the exact reader says it of the whole. */
  events(): readonly DecodedEvent[] | JsonError {
    this.#skipSpace();
    if (this.#isAtEnd()) return this.#wrong("empty");
    const events = this.#passes(ARRAY_START) ? this.#ofArray() : this.#alone();
    if ("error" in events) return events;
    this.#skipSpace();
    return this.#isAtEnd() ? events : this.#wrong("invalid_json");
  }

  #alone(): readonly DecodedEvent[] | JsonError {
    const event = this.#event(null);
    return "error" in event ? event : [event];
  }

  #ofArray(): readonly DecodedEvent[] | JsonError {
    const events: DecodedEvent[] = [];
    if (this.#passes(ARRAY_END)) return events;
    do {
      this.#skipSpace();
      if (events.length === EVENTS_PER_MESSAGE_MAX) return this.#wrong("too_many_elements");
      const event = this.#event(events.length);
      if ("error" in event) return event;
      events.push(event);
    } while (this.#passes(COMMA));
    return this.#passes(ARRAY_END) ? events : this.#wrong("invalid_json");
  }

  /** One of an array has a position, and bytes of its own; one alone has those of the message. */
  #event(position: number | null): DecodedEvent | JsonError {
    const { layouts } = this.#context;
    const start = this.#byte;
    const layout = layouts.find(this.#message, { byte: start, character: this.#character });
    if (layout !== undefined) {
      this.#pass(layout.end - start);
      return decodeMembers(layout, this.#placeFrom(start, position), this.#context);
    }
    const element = parseExactElement(this.#message.text, this.#character);
    if ("error" in element) return element;
    this.#passText(element.end);
    if (element.flaw === undefined) layouts.learn(this.#bytesFrom(start));
    return decodeElement(element, this.#placeFrom(start, position), this.#context);
  }

  #placeFrom(start: number, position: number | null): EventPlace {
    return position === null ? this.#place : { ...this.#place, position, raw: this.#bytesFrom(start) };
  }

  #bytesFrom(start: number): Uint8Array {
    return this.#message.bytes.subarray(start, this.#byte);
  }

  #wrong(error: JsonErrorCode): JsonError {
    return { error, at: error === "empty" ? 0 : this.#character };
  }

  /** Bytes of ASCII. */
  #pass(bytes: number): void {
    this.#byte += bytes;
    this.#character += bytes;
  }

  #passText(end: number): void {
    const { text, bytes } = this.#message;
    const isAscii = text.length === bytes.length;
    this.#byte += isAscii ? end - this.#character : utf8Length(text.slice(this.#character, end));
    this.#character = end;
  }

  #isAtEnd(): boolean {
    return this.#byte === this.#message.bytes.length;
  }

  #passes(byte: number): boolean {
    this.#skipSpace();
    if (this.#message.bytes[this.#byte] !== byte) return false;
    this.#pass(1);
    return true;
  }

  #skipSpace(): void {
    const { bytes } = this.#message;
    while (isSpace(bytes[this.#byte])) this.#pass(1);
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

function decodeElement(element: JsonElement, place: EventPlace, context: DecodeContext): DecodedEvent {
  if (element.flaw === undefined) return decodeEvent(element.value, place, context);
  const { error, at } = element.flaw;
  return rejectedEvent(
    place,
    rejection(JSON_REASONS[error], `${error} at character ${at - element.start} of the event`),
  );
}
