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
import { assert } from "../kernel/assert.ts";
import { parseExactElement, parseExactJson, type JsonElement, type JsonErrorCode } from "../kernel/exact-json.ts";
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
  if (events !== undefined) return events;
  // Read once more, for what is wrong with it.
  const document = parseExactJson(text, EVENTS_PER_MESSAGE_MAX);
  if ("error" in document) return whole(JSON_REASONS[document.error], `${document.error} at character ${document.at}`);
  assert(document.elements.length === 0, "a message that can be read has events, or is an empty array");
  return whole("empty_message", "the array holds no event");
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

  /** Undefined for what can't be taken apart, and for an empty array. */
  events(): readonly DecodedEvent[] | undefined {
    if (!this.#passes(ARRAY_START)) {
      const event = this.#event(() => this.#place);
      return event !== undefined && this.#isAtEnd() ? [event] : undefined;
    }
    const events: DecodedEvent[] = [];
    do {
      if (events.length === EVENTS_PER_MESSAGE_MAX) return undefined;
      this.#skipSpace();
      const event = this.#event((raw) => ({ ...this.#place, position: events.length, raw }));
      if (event === undefined) return undefined;
      events.push(event);
    } while (this.#passes(COMMA));
    return this.#passes(ARRAY_END) && this.#isAtEnd() ? events : undefined;
  }

  /** `placeOf` gets the event's own bytes. */
  #event(placeOf: (raw: Uint8Array) => EventPlace): DecodedEvent | undefined {
    const { layouts } = this.#context;
    const start = this.#byte;
    const layout = layouts.find(this.#message, { byte: start, character: this.#character });
    if (layout !== undefined) {
      this.#pass(layout.end - start);
      return decodeMembers(layout, placeOf(this.#bytesFrom(start)), this.#context);
    }
    const element = parseExactElement(this.#message.text, this.#character);
    if ("error" in element) return undefined;
    this.#passText(element.end);
    const raw = this.#bytesFrom(start);
    const event = decodeElement(element, placeOf(raw), this.#context);
    if (!event.rejected) layouts.learn(raw);
    return event;
  }

  #bytesFrom(start: number): Uint8Array {
    return this.#message.bytes.subarray(start, this.#byte);
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
    this.#skipSpace();
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
