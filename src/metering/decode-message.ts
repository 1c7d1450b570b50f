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
import { parseExactJson, type JsonDocument, type JsonElement, type JsonErrorCode } from "../kernel/exact-json.ts";
import { decodeUtf8, utf8Length } from "../kernel/utf8.ts";
import type { DecodeContext } from "./decode-context.ts";
import { decodeEvent, rejectedEvent, type EventPlace } from "./decode-event.ts";
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
  const document = parseExactJson(text, EVENTS_PER_MESSAGE_MAX);
  if ("error" in document) return whole(JSON_REASONS[document.error], `${document.error} at character ${document.at}`);
  const [first] = document.elements;
  if (first === undefined) return whole("empty_message", "the array holds no event");
  if (document.kind === "single") return [decodeElement(first, place, context)];
  return decodeElements(document, { place, text, context });
}

type Batch = { readonly place: EventPlace; readonly text: string; readonly context: DecodeContext };

/** Each element keeps its own bytes. Text positions are byte positions only as long as the text is ASCII. */
function decodeElements(document: JsonDocument, batch: Batch): readonly DecodedEvent[] {
  const { place, text, context } = batch;
  const body = place.raw;
  const isAscii = text.length === body.length;
  let bytesBefore = 0;
  let textBefore = 0;
  return document.elements.map((element, position) => {
    const start = isAscii ? element.start : bytesBefore + utf8Length(text.slice(textBefore, element.start));
    const end = isAscii ? element.end : start + utf8Length(text.slice(element.start, element.end));
    bytesBefore = end;
    textBefore = element.end;
    return decodeElement(element, { ...place, position, raw: body.subarray(start, end) }, context);
  });
}

function decodeElement(element: JsonElement, place: EventPlace, context: DecodeContext): DecodedEvent {
  if (element.flaw === undefined) return decodeEvent(element.value, place, context);
  const { error, at } = element.flaw;
  return rejectedEvent(
    place,
    rejection(JSON_REASONS[error], `${error} at character ${at - element.start} of the event`),
  );
}
