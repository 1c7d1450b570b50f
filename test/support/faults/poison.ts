/** Messages that mean harm, by accident or not, and the verdict that each has to get. */
import { EVENTS_PER_MESSAGE_MAX, type RejectionReason } from "../../../src/domain/usage-event.ts";
import type { Ledger, SendOptions } from "./ledger.ts";
import { textOf, type Meant, type MeantEvent } from "./meant-event.ts";

export type Poison = {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly meant: readonly Meant[];
  readonly options?: SendOptions;
};

const MESSAGE_BYTES_MAX = 8 * 1024 ** 2;
/** Room for what JetStream counts beside the body. */
const OVERHEAD_BYTES = 1024;
const DEEP = 10_000;
const DAY_MS = 86_400_000;
const SQL = "'); DROP TABLE meterline.usage_events; --";

type Make = { readonly ledger: Ledger; readonly nowMs: number };

export function poisons(make: Make): Poison[] {
  return [...unreadable(), ...wrongEnvelopes(make), ...wrongValues(make), ...harmless(make)];
}

function unreadable(): Poison[] {
  const texts: readonly (readonly [string, string, RejectionReason])[] = [
    ["bad JSON", '{"id":', "invalid_json"],
    ["JSON with something behind it", "{} {}", "invalid_json"],
    ["a bare NaN", '{"specversion":"1.0","data":{"tokens":NaN}}', "invalid_json"],
    ["a NUL byte", '{"id":"\u0000"}', "invalid_json"],
    ["only NUL bytes", "\u0000\u0000\u0000", "invalid_json"],
    ["half a surrogate pair", String.raw`{"id":"\ud800"}`, "invalid_json"],
    ["a member twice", '{"id":"a","id":"b"}', "duplicate_key"],
    ["nesting 10,000 deep", `${"[".repeat(DEEP)}${"]".repeat(DEEP)}`, "too_deep"],
    ["objects 10,000 deep", `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`, "too_deep"],
    ["an array of 100,000 events", `[${"{},".repeat(99_999)}{}]`, "too_many_events"],
    ["one event too many", `[${"0,".repeat(EVENTS_PER_MESSAGE_MAX)}0]`, "too_many_events"],
    ["nothing", "", "empty_message"],
    ["an empty array", "[]", "empty_message"],
    ["the largest message, of no JSON", "x".repeat(MESSAGE_BYTES_MAX - OVERHEAD_BYTES), "invalid_json"],
  ];
  const utf8 = [0xff, 0xc0, 0xed].map((byte): Poison => {
    const bytes = Uint8Array.from([0x22, byte, 0xa0, 0x80, 0x22]);
    return { what: `invalid UTF-8 (${byte})`, bytes, meant: [{ rejected: "invalid_utf8", text: "" }] };
  });
  return [...texts.map(([what, text, rejected]) => poison(what, [{ rejected, text }])), ...utf8];
}

function wrongEnvelopes({ ledger, nowMs }: Make): Poison[] {
  const wrong: readonly (readonly [RejectionReason, Readonly<Record<string, unknown>>])[] = [
    ["specversion_unsupported", { specversion: "0.3" }],
    ["missing_id", { id: "" }],
    ["attribute_invalid", { id: 7 }],
    ["attribute_invalid", { id: "a\u0000b" }],
    ["attribute_too_long", { id: "i".repeat(1025) }],
    ["missing_type", { type: null }],
    ["missing_subject", { subject: undefined }],
    ["unknown_customer", { subject: "nobody" }],
    ["unknown_customer", { subject: "__proto__" }],
    ["unknown_customer", { subject: SQL }],
    ["attribute_invalid", { time: 1_790_000_000 }],
    ["time_invalid", { time: "yesterday" }],
    ["time_invalid", { time: "2026-02-30T00:00:00Z" }],
    ["time_in_future", { time: new Date(nowMs + 2 * DAY_MS).toISOString() }],
    ["time_too_old", { time: "1999-12-31T23:59:59Z" }],
    ["data_base64_unsupported", { data_base64: "AAAA" }],
    ["value_missing", { data: undefined }],
    ["value_missing", { data: { tokens: null, model: "m", user: "u" } }],
    ["value_not_a_number", { data: { tokens: "NaN", model: "m", user: "u" } }],
    ["value_not_a_number", { data: { tokens: true, model: "m", user: "u" } }],
    ["value_not_a_number", { data: { tokens: [], model: "m", user: "u" } }],
    ["value_not_a_text", { data: { tokens: 1, model: "m", user: {} } }],
    ["dimension_not_scalar", { data: { tokens: 1, model: {}, user: "u" } }],
    ["dimension_too_long", { data: { tokens: 1, model: "m".repeat(257), user: "u" } }],
  ];
  const messages = wrong.map(([rejected, members]) => {
    const event = JSON.parse(textOf(ledger.fresh({ source: "gw0", tokens: "1" }))) as object;
    return poison(JSON.stringify(members).slice(0, 60), [{ rejected, text: JSON.stringify({ ...event, ...members }) }]);
  });
  const ours = ledger.fresh({ source: "gw0" });
  return [
    ...messages,
    poison("no object", [{ rejected: "not_an_object", text: "7" }]),
    poison("arrays in an array", [
      { rejected: "not_an_object", text: "[]" },
      { rejected: "not_an_object", text: "null" },
    ]),
    {
      ...poison("somebody else's source", [{ rejected: "source_mismatch", text: textOf(ours) }]),
      options: { subject: "gw1" },
    },
    {
      ...poison("binary mode", [{ rejected: "binary_mode_unsupported", text: '{"tokens":1}' }]),
      options: { headers: { "ce-id": "1" } },
    },
  ];
}

function wrongValues({ ledger }: Make): Poison[] {
  const wrong: readonly (readonly [RejectionReason, string])[] = [
    ["value_out_of_range", "1e400"],
    ["value_out_of_range", "1234567890123456789012345678901234567890"],
    ["value_out_of_range", "-1e20"],
    ["value_too_fine", "0.1234567890123456789012345678901234567890"],
    ["value_too_fine", "1e-400"],
    ["value_too_fine", "1e-19"],
  ];
  return wrong.map(([rejected, tokens]) => {
    const text = textOf(ledger.fresh({ source: "gw0", tokens }));
    return poison(`the number ${tokens}`, [{ rejected, text }]);
  });
}

/** Looks bad, and has to count exactly. */
function harmless({ ledger }: Make): Poison[] {
  const numbers = [
    "9007199254740993",
    "0.1",
    "1e-18",
    "99999999999999999999.999999999999999999",
    "-0.3",
    "1E+19",
    "0e400",
  ];
  const events: readonly (readonly [string, Partial<MeantEvent>])[] = [
    ...numbers.map((tokens) => [`the number ${tokens}`, { tokens }] as const),
    ["a type that no meter counts", { type: "nobody.counts.this" }],
    ["SQL in a dimension", { model: SQL }],
    ["SQL in a text", { user: SQL }],
    ["SQL in an identity", { id: `${SQL} ${ledger.random(1_000)}` }],
    ["a source of another alphabet", { source: "gäteway/日本 1" }],
    ["a NUL in a text", { user: "a\u0000b" }],
    ["no time", {}],
  ];
  const large = ledger.fresh({ source: "gw0", user: "u".repeat(1024) });
  const padded = textOf(large).replace(
    '"data":{',
    `"data":{"padding":"${"p".repeat(MESSAGE_BYTES_MAX - OVERHEAD_BYTES - 2_000)}",`,
  );
  const named = ledger.fresh({ source: "gw0" });
  const mixed = ledger.freshMany(3, { source: "gw0" });
  const rubbish: Meant = { rejected: "not_an_object", text: '"rubbish"' };
  return [
    ...events.map(([what, members]) => poison(what, [ledger.fresh(members)])),
    { what: "the largest message", bytes: encoded(padded), meant: [large] },
    {
      what: "property names that try SQL and prototypes",
      bytes: encoded(
        textOf(named).replace('"data":{', `"data":{${JSON.stringify(SQL)}:1,"__proto__":{"tokens":5},"constructor":1,`),
      ),
      meant: [named],
    },
    poison("good among bad in one message", [rubbish, ...mixed.flatMap((event): Meant[] => [event, rubbish, event])]),
  ];
}

function poison(what: string, meant: readonly Meant[]): Poison {
  const [only] = meant;
  const text = meant.length === 1 && only !== undefined ? textOf(only) : `[${meant.map(textOf).join(",")}]`;
  return { what, bytes: encoded(text), meant };
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
