import { describe, expect, it } from "vitest";
import {
  EVENTS_PER_MESSAGE_MAX,
  REJECTIONS,
  type DecodedEvent,
  type UsageMessage,
} from "../../../src/domain/usage-event.ts";
import { sha256UInt128 } from "../../../src/kernel/hash.ts";
import { NS_PER_DAY, instantOf, instantText } from "../../../src/kernel/instant.ts";
import {
  DEFAULT_EVENT_TIME_RANGE,
  createDecodeContext,
  type DecodeContext,
} from "../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../src/metering/decode-message.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";
import { ARRIVAL, eventOf, messageOf } from "../../support/usage-message-of.ts";

const CATALOG = compileMeteringCatalog(
  catalogOf({
    meters: [
      {
        key: "tokens",
        eventType: "llm.completion",
        aggregation: "sum",
        value: "/data/outputTokens",
        dimensions: { model: "/data/model" },
      },
      { key: "users", eventType: "login", aggregation: "unique_count", value: "/data/user" },
      { key: "calls", eventType: "call", aggregation: "count" },
      { key: "large", eventType: "some", aggregation: "count", where: { "/data/size": { gte: "10" } } },
    ],
    schemas: { guarded: '{"type":"object","properties":{"n":{"type":"integer","maximum":9007199254740992}}}' },
    customers: [{ key: "acme", aliases: ["acme-eu"] }],
  }),
);

/** Three times: first, then when it was read before, and after an ordinary event, whose layout it may have. */
function decode(message: UsageMessage): readonly DecodedEvent[] {
  const contexts = [1, 2].map(() => createDecodeContext({ catalog: CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE }));
  const [context, another] = contexts as [DecodeContext, DecodeContext];
  const events = decodeMessage(message, context);
  expect(decodeMessage(message, context)).toEqual(events);
  decodeMessage(messageOf(eventOf()), another);
  expect(decodeMessage(message, another)).toEqual(events);
  return events;
}

function decodeOne(message: UsageMessage): DecodedEvent {
  const events = decode(message);
  expect(events).toHaveLength(1);
  return events[0] as DecodedEvent;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const tokens = (outputTokens: unknown): Record<string, unknown> => eventOf({ data: { outputTokens } });
const withNumber = (number: string): string => JSON.stringify(tokens("NUMBER")).replace('"NUMBER"', number);

describe("decodeMessage", () => {
  it("reads one event", () => {
    const message = messageOf(eventOf({ subject: "acme-eu" }), { seq: 7 });
    expect(decodeOne(message)).toEqual({
      seq: 7,
      position: 0,
      subject: "usage.gw",
      ingestedAt: ARRIVAL,
      source: "gw",
      id: "e1",
      type: "llm.completion",
      customer: "acme",
      eventTime: instantOf("2026-10-03T08:15:30.250Z", "time"),
      rejected: false,
      reason: "",
      detail: "",
      eventKey: sha256UInt128("2:gwe1"),
      bodyHash: sha256UInt128('["llm.completion","acme",{"model":"small-1","outputTokens":44}]'),
      raw: message.body,
      uses: [
        {
          meter: "tokens",
          aggregation: "sum",
          quantity: 44n * 10n ** 18n,
          text: "",
          dimensions: [{ name: "model", value: "small-1" }],
        },
      ],
    });
  });

  it("reads an array event by event, each with its own bytes, whatever characters stand before it", () => {
    const texts = [eventOf({ id: "a", note: "é😀" }), eventOf({ id: "b" }), eventOf({ id: "c", note: "日本" })].map(
      (event) => JSON.stringify(event),
    );
    const events = decode(messageOf(` [${texts.join(" ,\n")} ]`));
    expect(events.map(({ id, position, reason }) => [id, position, reason])).toEqual([
      ["a", 0, ""],
      ["b", 1, ""],
      ["c", 2, ""],
    ]);
    expect(events.map(({ raw }) => new TextDecoder().decode(raw))).toEqual(texts);
  });

  // Guarantee: one unusable event costs nothing but itself.
  it("keeps the good events of an array with bad ones", () => {
    const good = JSON.stringify(eventOf());
    const events = decode(messageOf(`[${good},{"a":1,"a":2},null,{},${JSON.stringify(eventOf({ id: "e2" }))}]`));
    expect(events.map(({ reason }) => reason)).toEqual([
      "",
      "duplicate_key",
      "not_an_object",
      "specversion_unsupported",
      "",
    ]);
  });

  it("takes the arrival as the time of an event without one", () => {
    expect(decodeOne(messageOf(eventOf({ time: undefined }))).eventTime).toBe(ARRIVAL);
    expect(decodeOne(messageOf(eventOf({ time: null }))).eventTime).toBe(ARRIVAL);
  });

  it("accepts an event that no meter uses, and says so", () => {
    expect(decodeOne(messageOf(eventOf({ type: "other" })))).toMatchObject({
      rejected: false,
      reason: "unmetered",
      uses: [],
    });
  });

  it("takes every time between five years back and a day ahead, and no other", () => {
    const past = ARRIVAL - DEFAULT_EVENT_TIME_RANGE.pastNs;
    const future = ARRIVAL + NS_PER_DAY;
    const reasonAt = (time: bigint): string => decodeOne(messageOf(eventOf({ time: instantText(time) }))).reason;
    expect([past - 1n, past, future, future + 1n].map(reasonAt)).toEqual(["time_too_old", "", "", "time_in_future"]);
  });

  // Guarantee: windows are 32-bit times, so what they cannot hold is refused however wide the settings are.
  it("refuses times that base windows cannot hold", () => {
    const context = createDecodeContext({ catalog: CATALOG, timeRange: { pastNs: 10n ** 20n, futureNs: 10n ** 20n } });
    const times = ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2106-02-07T06:28:15Z", "2106-02-07T06:28:16Z"];
    expect(times.map((time) => decodeMessage(messageOf(eventOf({ time })), context)[0]?.reason)).toEqual([
      "time_too_old",
      "",
      "",
      "time_in_future",
    ]);
  });
});

const guarded = (data: unknown): Record<string, unknown> => eventOf({ type: "guarded", data });

describe("the schema guard", () => {
  // Guarantee: a number is checked as it was sent: JSON.parse would have made it the one that is allowed.
  it.each([
    [
      JSON.stringify(guarded({ n: "N" })).replace('"N"', "9007199254740993"),
      '"/data/n" must be at most 9007199254740992',
    ],
    [JSON.stringify(guarded({ n: "1" })), '"/data/n" must be an integer, is string'],
    [JSON.stringify(guarded(undefined)), '"/data" must be an object, is null'],
  ])("rejects with the place: %s", (body, detail) => {
    expect(decodeOne(messageOf(body))).toMatchObject({ rejected: true, reason: "schema", detail, id: "e1" });
  });

  it("accepts what fits, and types without a schema whatever they carry", () => {
    expect(decodeOne(messageOf(guarded({ n: 1 })))).toMatchObject({ rejected: false });
    expect(decodeOne(messageOf(eventOf({ type: "free", data: [1, "x"] })))).toMatchObject({ rejected: false });
  });
});

const POISON: readonly (readonly [what: string, body: unknown, reason: string])[] = [
  ["data that breaks its schema", guarded({ n: [] }), "schema"],
  ["nothing", "", "empty_message"],
  ["white space", " \n ", "empty_message"],
  ["an empty array", "[ ]", "empty_message"],
  ["bad JSON", '{"specversion":"1.0",', "invalid_json"],
  ["text that is not JSON", "hello", "invalid_json"],
  ["a second event after the first", `${JSON.stringify(eventOf())}{}`, "invalid_json"],
  ["invalid UTF-8", bytes(0x7b, 0xff, 0x7d), "invalid_utf8"],
  ["an overlong NUL in an id", Buffer.concat([utf8('{"id":"'), bytes(0xc0, 0x80), utf8('"}')]), "invalid_utf8"],
  ["a byte order mark", Buffer.concat([bytes(0xef, 0xbb, 0xbf), utf8(JSON.stringify(eventOf()))]), "invalid_json"],
  ["a raw NUL byte in a string", JSON.stringify(eventOf({ id: "a-b" })).replace("a-b", "a\u0000b"), "invalid_json"],
  ["raw NUL bytes alone", bytes(0, 0, 0, 0), "invalid_json"],
  ["a NUL in the id", eventOf({ id: "a\u0000b" }), "attribute_invalid"],
  [
    "half a surrogate pair",
    JSON.stringify(eventOf({ id: "HALF" })).replace("HALF", String.raw`\ud83d`),
    "invalid_json",
  ],
  ["nesting 10,000 deep", `{"data":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, "too_deep"],
  ["nesting a million deep, unclosed", '{"a":'.repeat(1_000_000), "too_deep"],
  ["an array of 100,000 events", `[${Array.from({ length: 100_000 }, () => "{}").join(",")}]`, "too_many_events"],
  ["a member twice", '{"specversion":"1.0","id":"a","id":"b"}', "duplicate_key"],
  [
    "a member twice in the data",
    JSON.stringify(eventOf()).replace('"outputTokens":44', '"outputTokens":44,"outputTokens":1'),
    "duplicate_key",
  ],
  ["a number", "42", "not_an_object"],
  ["a string", '"event"', "not_an_object"],
  ["null", "null", "not_an_object"],
  ["NaN", withNumber("NaN"), "invalid_json"],
  ["no specversion", eventOf({ specversion: undefined }), "specversion_unsupported"],
  ["another specversion", eventOf({ specversion: "0.3" }), "specversion_unsupported"],
  ["specversion as a number", eventOf({ specversion: 1.0 }), "specversion_unsupported"],
  ["no id", eventOf({ id: undefined }), "missing_id"],
  ["a null id", eventOf({ id: null }), "missing_id"],
  ["an empty id", eventOf({ id: "" }), "missing_id"],
  ["an id that is a number", eventOf({ id: 42 }), "attribute_invalid"],
  ["an id of 1025 bytes", eventOf({ id: "x".repeat(1025) }), "attribute_too_long"],
  ["an id of 1026 bytes in 342 characters", eventOf({ id: "€".repeat(342) }), "attribute_too_long"],
  ["no source", eventOf({ source: undefined }), "missing_source"],
  ["no type", eventOf({ type: undefined }), "missing_type"],
  ["an object as type", eventOf({ type: {} }), "attribute_invalid"],
  ["no subject", eventOf({ subject: undefined }), "missing_subject"],
  ["another producer's source", eventOf({ source: "other" }), "source_mismatch"],
  ["binary data", eventOf({ data: undefined, data_base64: "AAAA" }), "data_base64_unsupported"],
  ["an unknown customer", eventOf({ subject: "nobody" }), "unknown_customer"],
  ["a customer named like a prototype's member", eventOf({ subject: "constructor" }), "unknown_customer"],
  ["a future time", eventOf({ time: "2026-10-05T00:00:00Z" }), "time_in_future"],
  ["a time beyond 64 bits of nanoseconds", eventOf({ time: "9999-12-31T23:59:59Z" }), "time_in_future"],
  ["an old time", eventOf({ time: "2019-01-01T00:00:00Z" }), "time_too_old"],
  ["a time without an offset", eventOf({ time: "2026-10-03T08:15:30" }), "time_invalid"],
  ["a day that does not exist", eventOf({ time: "2026-02-30T00:00:00Z" }), "time_invalid"],
  ["time as a number", eventOf({ time: 1_791_015_330 }), "attribute_invalid"],
  ["no value", tokens(undefined), "value_missing"],
  ["a null value", tokens(null), "value_missing"],
  ["no data", eventOf({ data: undefined }), "value_missing"],
  ["data that is a string", eventOf({ data: "outputTokens" }), "value_missing"],
  ["a value that is a word", tokens("many"), "value_not_a_number"],
  ["an empty value", tokens(""), "value_not_a_number"],
  ["the word NaN", tokens("NaN"), "value_not_a_number"],
  ["a value that is an object", tokens({ n: 1 }), "value_not_a_number"],
  ["a value that is an array", tokens([1]), "value_not_a_number"],
  ["a value that is true", tokens(true), "value_not_a_number"],
  ["1e400", withNumber("1e400"), "value_out_of_range"],
  ["a number of 40 digits", withNumber("1".repeat(40)), "value_out_of_range"],
  ["a decimal string of 40 digits", tokens("9".repeat(40)), "value_out_of_range"],
  ["1e-400, which JSON.parse takes for 0", withNumber("1e-400"), "value_too_fine"],
  ["40 digits behind the point", tokens(`0.${"1".repeat(40)}`), "value_too_fine"],
  ["an empty unique value", eventOf({ type: "login", data: { user: "" } }), "value_missing"],
  ["a filter's value that is an object", eventOf({ type: "some", data: { size: {} } }), "value_not_scalar"],
  ["a unique value that is an object", eventOf({ type: "login", data: { user: {} } }), "value_not_a_text"],
  ["a unique value of 1025 bytes", eventOf({ type: "login", data: { user: "u".repeat(1025) } }), "value_too_long"],
  ["a dimension that is an object", eventOf({ data: { outputTokens: 1, model: {} } }), "dimension_not_scalar"],
  ["a dimension that is an array", eventOf({ data: { outputTokens: 1, model: [] } }), "dimension_not_scalar"],
  ["a dimension of 257 bytes", eventOf({ data: { outputTokens: 1, model: "m".repeat(257) } }), "dimension_too_long"],
  [
    "a dimension of 258 bytes in 86 characters",
    eventOf({ data: { outputTokens: 1, model: "€".repeat(86) } }),
    "dimension_too_long",
  ],
  ["a void without data", eventOf({ type: "meterline.void", data: undefined }), "retraction_invalid"],
  ["a void of a number", eventOf({ type: "meterline.void", data: { id: 7 } }), "retraction_invalid"],
  ["an amend of nothing", eventOf({ type: "meterline.amend", data: { data: {} } }), "retraction_invalid"],
  ["an amend to nothing", eventOf({ type: "meterline.amend", data: { id: "e0", time: null } }), "retraction_invalid"],
  [
    "a void of another source's event",
    eventOf({ type: "meterline.void", data: { id: "e0", source: "gateway" } }),
    "target_of_other_source",
  ],
];
/** What only the events before it tell; see decide-retraction.test.ts. */
const DECIDED_LATER = ["target_unknown", "target_not_usage", "target_of_other_customer"];

describe("poison", () => {
  // Guarantee: whatever is published gets exactly one row, with a documented reason and the bytes as they came, and nothing is thrown.
  it.each(POISON)("%s is rejected", (_, body, reason) => {
    const message = messageOf(body);
    const event = decodeOne(message);
    expect(event).toMatchObject({ rejected: true, reason, eventKey: 0n, bodyHash: 0n, uses: [], position: 0 });
    expect(event.raw).toEqual(message.body);
    expect(event.detail).not.toBe("");
    expect(event.detail.length).toBeLessThan(400);
    expect(REJECTIONS).toHaveProperty(event.reason);
  });

  it("rejects binary mode by name, whatever the body is", () => {
    expect(decodeOne(messageOf(eventOf(), { binaryMode: true })).reason).toBe("binary_mode_unsupported");
  });

  it("is a list that shows every reason there is", () => {
    const shown = new Set([
      ...POISON.map(([, , reason]) => reason),
      "binary_mode_unsupported",
      "replay_invalid",
      ...DECIDED_LATER,
    ]);
    expect([...shown].sort()).toEqual(Object.keys(REJECTIONS).sort());
  });

  it("takes 10,000 events and not one more", () => {
    const event = JSON.stringify(eventOf());
    const array = (count: number): string => `[${Array.from({ length: count }, () => event).join(",")}]`;
    expect(decode(messageOf(array(EVENTS_PER_MESSAGE_MAX)))).toHaveLength(EVENTS_PER_MESSAGE_MAX);
    expect(decodeOne(messageOf(array(EVENTS_PER_MESSAGE_MAX + 1))).reason).toBe("too_many_events");
  });

  it("takes names that try SQL or a prototype as mere names", () => {
    const name = "'; DROP TABLE usage_events; --";
    const event = decodeOne(
      messageOf(`{"__proto__":{"subject":"x"},${JSON.stringify(eventOf({ [name]: name })).slice(1)}`),
    );
    expect(event).toMatchObject({ rejected: false, customer: "acme" });
  });

  it("keeps what it could read of a rejected event", () => {
    expect(decodeOne(messageOf(eventOf({ data: {} })))).toMatchObject({
      reason: "value_missing",
      source: "gw",
      id: "e1",
      type: "llm.completion",
      customer: "acme",
      eventTime: instantOf("2026-10-03T08:15:30.250Z", "time"),
    });
    expect(decodeOne(messageOf(eventOf({ subject: "nobody" }))).customer).toBe("nobody");
    expect(decodeOne(messageOf(eventOf({ time: "2030-01-01T00:00:00Z" }))).eventTime).toBe(ARRIVAL);
  });
});
