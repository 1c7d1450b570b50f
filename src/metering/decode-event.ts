/**
 * One event of a message, checked as a CloudEvent and as usage, in a fixed order: envelope, source, time, customer, schema, meters. The result depends
 * on the message, the catalog and the settings alone; there is no clock here.
 */
import { ATTRIBUTE_BYTES_MAX, type DecodedEvent, type Rejection } from "../domain/usage-event.ts";
import { isRetractionType } from "../domain/usage-retraction.ts";
import { JsonObject, type JsonValue } from "../kernel/json-tree.ts";
import { parseInstant, type Instant } from "../kernel/instant.ts";
import { exceedsBytes } from "../kernel/utf8.ts";
import { sourceFactsOf, type DecodeContext, type SourceFacts } from "./decode-context.ts";
import { bodyHashOf, eventKeyOf } from "./event-identity.ts";
import { TreeMembers, type EventMembers } from "./event-members.ts";
import { meterEvent } from "./meter-event.ts";
import { schemaProblem } from "./schema-problem.ts";
import { quoted, rejection } from "./rejection.ts";
import { retractionRequestOf } from "./retraction-request.ts";
import { usableText } from "./usable-text.ts";

/** Where an event came from: its message, its place in it, and its bytes. */
export type EventPlace = {
  readonly seq: number;
  readonly position: number;
  readonly subject: string;
  readonly producerToken: string;
  readonly ingestedAt: Instant;
  /** When the stream took the event first: earlier than `ingestedAt` for a replay. */
  readonly arrivedAt: Instant;
  readonly raw: Uint8Array;
};

type Envelope = {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly customer: string;
};

/** What could be read of a rejected event. */
type KnownOfEvent = Partial<Envelope & { readonly eventTime: Instant }>;

const SPEC_VERSION = "1.0";
/** Base windows are 32-bit DateTimes: from 1970 up to 2106-02-07T06:28:16Z. */
const TIME_END: Instant = 4_294_967_296n * 1_000_000_000n;

export function decodeEvent(value: JsonValue, place: EventPlace, context: DecodeContext): DecodedEvent {
  if (value instanceof JsonObject) return decodeMembers(new TreeMembers(value), place, context);
  return rejectedEvent(place, rejection("not_an_object", "the event is not a JSON object"));
}

export function decodeMembers(event: EventMembers, place: EventPlace, context: DecodeContext): DecodedEvent {
  const envelope = envelopeOf(event, context);
  const broken = envelopeProblem(event, envelope);
  if (broken !== undefined) return rejectedEvent(place, broken, envelope);
  const facts = sourceFactsOf(envelope.source, context);
  const wrong = sourceProblem(envelope.source, facts, place);
  if (wrong !== undefined) return rejectedEvent(place, wrong, envelope);
  const eventTime = eventTimeOf(event, place, context);
  if (typeof eventTime !== "bigint") return rejectedEvent(place, eventTime, envelope);
  const content =
    customerProblem(envelope.subject, context) ??
    contentOf(event, { envelope, facts, bytes: place.raw.length, context });
  if (content.kind === "rejection") return rejectedEvent(place, content, { ...envelope, eventTime });

  const { source, id, type, customer } = envelope;
  return {
    seq: place.seq,
    position: place.position,
    subject: place.subject,
    ingestedAt: place.ingestedAt,
    source,
    id,
    type,
    customer,
    eventTime,
    rejected: false,
    reason: content.reason,
    detail: content.detail,
    eventKey: eventKeyOf(facts.keyPrefix, id),
    bodyHash: bodyHashOf({ type, customer, data: event.canonicalOf("data") }),
    raw: place.raw,
    uses: content.uses,
    retraction: content.retraction,
  };
}

/** What an event says besides who it is about. */
type Content = Pick<DecodedEvent, "reason" | "detail" | "uses" | "retraction"> & { readonly kind: "content" };

const UNMETERED: Content = { kind: "content", reason: "unmetered", detail: "", uses: [], retraction: undefined };

type ContentInput = {
  readonly envelope: Envelope;
  readonly facts: SourceFacts;
  readonly bytes: number;
  readonly context: DecodeContext;
};

function contentOf(event: EventMembers, { envelope, facts, bytes, context }: ContentInput): Content | Rejection {
  const { source, type } = envelope;
  // Reserved types: no meter counts them, whatever the catalog says.
  if (isRetractionType(type)) {
    const request = retractionRequestOf(event, { type, source, keyPrefix: facts.keyPrefix });
    if ("kind" in request) return request;
    return { kind: "content", reason: "", detail: "", uses: [], retraction: request };
  }
  const { catalog } = context;
  const wrong = schemaProblem(event, { type, bytes, catalog });
  if (wrong !== undefined) return wrong;
  const meters = catalog.metersByType.get(type);
  if (meters === undefined) return UNMETERED;
  const metered = meterEvent(event, meters);
  if (metered.kind === "rejection") return metered;
  const { uses, skipped } = metered;
  const reason = skipped === "" ? "" : "value_skipped";
  return { kind: "content", reason, detail: skipped, uses, retraction: undefined };
}

function customerProblem(subject: string, { catalog }: DecodeContext): Rejection | undefined {
  if (catalog.customerBySubject.has(subject)) return undefined;
  return rejection("unknown_customer", `no customer has the key or alias ${quoted(subject)}`);
}

/** The row of an event, or of a whole message, that can't be used. Windows go by event time, so an unusable one becomes the arrival. */
export function rejectedEvent(place: EventPlace, why: Rejection, known: KnownOfEvent = {}): DecodedEvent {
  return {
    seq: place.seq,
    position: place.position,
    subject: place.subject,
    ingestedAt: place.ingestedAt,
    source: known.source ?? "",
    id: known.id ?? "",
    type: known.type ?? "",
    customer: known.customer ?? "",
    eventTime: known.eventTime ?? place.arrivedAt,
    rejected: true,
    reason: why.reason,
    detail: why.detail,
    eventKey: 0n,
    bodyHash: 0n,
    raw: place.raw,
    uses: [],
    retraction: undefined,
  };
}

/** What can be read of the envelope; unusable attributes are empty. */
function envelopeOf(event: EventMembers, context: DecodeContext): Envelope {
  const subject = usableText(event.get("subject"));
  return {
    source: usableText(event.get("source")),
    id: usableText(event.get("id")),
    type: usableText(event.get("type")),
    subject,
    customer: context.catalog.customerBySubject.get(subject) ?? subject,
  };
}

function envelopeProblem(event: EventMembers, envelope: Envelope): Rejection | undefined {
  if (event.get("specversion") !== SPEC_VERSION)
    return rejection("specversion_unsupported", 'specversion must be "1.0"');
  if (envelope.id === "") return attributeProblem(event, "id");
  if (envelope.source === "") return attributeProblem(event, "source");
  if (envelope.type === "") return attributeProblem(event, "type");
  if (envelope.subject === "") return attributeProblem(event, "subject");
  const base64 = event.get("data_base64");
  if (base64 === undefined || base64 === null) return undefined;
  return rejection("data_base64_unsupported", "send the data as JSON in the member data, not in data_base64");
}

/** Why an attribute came out empty. A null attribute counts as absent, as CloudEvents says. */
function attributeProblem(event: EventMembers, name: "id" | "source" | "type" | "subject"): Rejection {
  const value = event.get(name);
  if (value === undefined || value === null || value === "")
    return rejection(`missing_${name}`, `${name} is absent or empty`);
  if (typeof value !== "string") return rejection("attribute_invalid", `${name} must be a string`);
  if (exceedsBytes(value, ATTRIBUTE_BYTES_MAX)) {
    return rejection("attribute_too_long", `${name} is longer than ${ATTRIBUTE_BYTES_MAX} bytes: ${quoted(value)}`);
  }
  return rejection("attribute_invalid", `${name} holds a control character: ${quoted(value)}`);
}

function sourceProblem(source: string, { producerToken }: SourceFacts, place: EventPlace): Rejection | undefined {
  if (producerToken === place.producerToken) return undefined;
  return rejection(
    "source_mismatch",
    `source ${quoted(source)} belongs on the subject ${quoted(`usage.${producerToken}`)}`,
  );
}

function eventTimeOf(event: EventMembers, place: EventPlace, context: DecodeContext): Instant | Rejection {
  const value = event.get("time");
  if (value === undefined || value === null) return place.arrivedAt;
  if (typeof value !== "string") return rejection("attribute_invalid", "time must be a string");
  const time = parseInstant(value);
  if (time === undefined) {
    return rejection(
      "time_invalid",
      `time is ${quoted(value)}: write RFC 3339 with an offset, such as 2026-10-03T08:15:30.250Z`,
    );
  }
  if (time < place.arrivedAt - context.timeRange.pastNs || time < 0n) {
    return rejection("time_too_old", `time ${quoted(value)} lies too far before the arrival`);
  }
  if (time > place.arrivedAt + context.timeRange.futureNs || time >= TIME_END) {
    return rejection("time_in_future", `time ${quoted(value)} lies too far after the arrival`);
  }
  return time;
}
