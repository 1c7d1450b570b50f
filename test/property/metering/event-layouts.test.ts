import fc from "fast-check";
import { expect, it } from "vitest";
import {
  EVENTS_PER_MESSAGE_MAX,
  type DecodedEvent,
  type RejectionReason,
  type UsageMessage,
} from "../../../src/domain/usage-event.ts";
import { parseExactJson } from "../../../src/kernel/exact-json.ts";
import type { JsonLayout } from "../../../src/kernel/json-layout.ts";
import {
  createDecodeContext,
  DEFAULT_EVENT_TIME_RANGE,
  type DecodeContext,
} from "../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../src/metering/decode-message.ts";
import { EventLayouts } from "../../../src/metering/event-layouts.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";
import { eventOf, messageOf } from "../../support/usage-message-of.ts";

const CATALOG = compileMeteringCatalog(
  catalogOf({
    meters: [
      {
        key: "calls",
        eventType: "call",
        aggregation: "count",
        dimensions: { region: "/data/region", first: "/data/list/0" },
      },
      {
        key: "large",
        eventType: "call",
        aggregation: "count",
        where: { "/data/n": { gt: "10" } },
        whenMissing: "skip",
      },
      { key: "n", eventType: "call", aggregation: "sum", value: "/data/n", whenMissing: "skip" },
      { key: "price", eventType: "call", aggregation: "sum", expression: '"/data/n" * 2', whenMissing: "skip" },
      { key: "users", eventType: "login", aggregation: "unique_count", value: "/data/user" },
    ],
    schemas: { guarded: '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}' },
    customers: [{ key: "acme", aliases: ["acme-eu"] }, { key: "globex" }],
  }),
);

class NoLayouts extends EventLayouts {
  override find(): undefined {
    return undefined;
  }
}

class CountedLayouts extends EventLayouts {
  found = 0;

  override find(...place: Parameters<EventLayouts["find"]>): JsonLayout | undefined {
    const layout = super.find(...place);
    if (layout !== undefined) this.found += 1;
    return layout;
  }
}

function contextWith(layouts: EventLayouts): DecodeContext {
  return { ...createDecodeContext({ catalog: CATALOG, timeRange: DEFAULT_EVENT_TIME_RANGE }), layouts };
}

/** Between such signs a string stands for JSON that `JSON.stringify` does not write. */
const asWritten = (json: string): string => `@${json}@`;
const text = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("", "x", "eu-west-1", "large-1") },
  { weight: 1, arbitrary: fc.constantFrom('a "quoted" one', "tab\t", "ä€😀", "\u007f", "back\\slash", true, null, 5) },
);
const number = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(0, 5, 11, -3, 1.5, 1e21, 2 ** 53) },
  { weight: 1, arbitrary: fc.constantFrom("12.50", "x", null, false) },
  { weight: 3, arbitrary: fc.constantFrom("-0", "1E5", "1e+5", "1.50", "01", "-").map(asWritten) },
);
const whole = {
  region: text,
  n: number,
  user: text,
  list: fc.tuple(text, number),
  in: fc.record({ b: text, proto: text, "0": number, "": text, a: number }),
};
const data = fc.oneof(
  { weight: 6, arbitrary: fc.record(whole) },
  { weight: 3, arbitrary: fc.record({ id: fc.constantFrom("1", "2"), data: fc.record({ n: number }) }) },
  { weight: 1, arbitrary: fc.record(whole, { requiredKeys: [] }) },
);
/** Mostly one of the first. */
function mostly<Value>(good: readonly Value[], bad: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 19, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );
}
const event = fc
  .record({
    id: mostly(["1", "2", "3"], ["", "ä"]),
    source: mostly(["gw"], ["other", "g\u0001w"]),
    type: mostly(["call", "call", "guarded", "meterline.void"], ["login", "meterline.amend", "unknown"]),
    subject: mostly(["acme", "acme-eu", "globex"], ["nobody", ""]),
    time: mostly(["2026-10-03T08:15:30.250Z", "2026-10-03T10:15:30+02:00"], ["yesterday", null]),
    data,
  })
  .map(eventOf);
/** As compact as most producers write it, or as others do; and now and then one that somebody has broken. */
const message = fc
  .tuple(
    fc.oneof(event, fc.array(event, { maxLength: 8 })),
    fc.constantFrom(...Array<undefined>(9), 1),
    fc.constantFrom("", " ", "\n"),
    fc.option(
      fc.oneof(
        fc.tuple(fc.nat(), fc.constantFrom("", '"', ",", "}", "0", "é", "\\")),
        // A name that is there already.
        fc.constantFrom('"region":', '"user":'),
      ),
      { freq: 5 },
    ),
  )
  .map(([value, indent, around, change]) => {
    const json = JSON.stringify(value, null, indent)
      .replace(/"@([^"@]*)@"/g, "$1")
      .replaceAll('"proto":', '"__proto__":');
    const text = around + json + around;
    if (change === null) return text;
    if (typeof change === "string") return text.replace(change, '"n":');
    const [place, replacement] = change;
    const at = place % text.length;
    return (text.slice(0, at) + replacement + text.slice(at + 1)).toWellFormed();
  });

function decodeAll(texts: readonly string[], layouts: EventLayouts): readonly (readonly DecodedEvent[])[] {
  const context = contextWith(layouts);
  const messages = texts.map((text, at): UsageMessage => messageOf(text, { seq: at + 1 }));
  return messages.map((each) => decodeMessage(each, context));
}

/** What the exact reader makes of a message as a whole: the bytes of its events, or the message and what is wrong where. */
function readWhole(text: string): readonly string[] {
  const document = parseExactJson(text, EVENTS_PER_MESSAGE_MAX);
  if ("error" in document) return [text, `${document.error} at character ${document.at}`];
  if (document.elements.length === 0) return [text, "the array holds no event"];
  return document.kind === "single" ? [text] : document.elements.map(({ start, end }) => text.slice(start, end));
}

const UNREADABLE: ReadonlySet<string> = new Set([
  "invalid_json",
  "empty_message",
  "too_deep",
  "too_many_events",
] satisfies RejectionReason[]);

/** The same of the events that it was decoded into. */
function toldOf(events: readonly DecodedEvent[], text: string): readonly string[] {
  const raws = events.map(({ raw }) => new TextDecoder().decode(raw));
  const [first] = events;
  return first !== undefined &&
    raws[0] === text &&
    UNREADABLE.has(first.reason) &&
    !first.detail.endsWith("of the event")
    ? [...raws, first.detail]
    : raws;
}

// Guarantee: an event is the same whether its layout was known or not, whatever came before it. A plan's bytes are made again by others that know other layouts.
it("reads nothing else by a layout than the exact reader reads", () => {
  let found = 0;
  let total = 0;
  fc.assert(
    fc.property(fc.array(message, { minLength: 20, maxLength: 40 }), (texts) => {
      const layouts = new CountedLayouts();
      const decoded = decodeAll(texts, layouts);
      expect(decoded).toEqual(decodeAll(texts, new NoLayouts()));
      expect(decoded.map((events, at) => toldOf(events, texts[at] ?? ""))).toEqual(texts.map(readWhole));
      found += layouts.found;
      total += decoded.flat().length;
    }),
    { numRuns: 300 },
  );
  expect(found).toBeGreaterThan(total / 10);
});

/** How many of the events were read by a layout. */
function foundOf(names: readonly string[]): number {
  const texts = names.map((name, at) =>
    JSON.stringify(eventOf({ id: `e${at}`, type: "unknown", data: { [name]: at } })),
  );
  const layouts = new CountedLayouts();
  expect(decodeAll(texts, layouts)).toEqual(decodeAll(texts, new NoLayouts()));
  return layouts.found;
}
const different = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);

// Guarantee: whoever sends another layout with each event costs the others of its batch no more than so much.
it("learns 64 layouts, tries the last 8, and gives up where misses outnumber hits by a thousand", () => {
  expect(foundOf([...different(63, "n"), "last", "last"])).toBe(1);
  expect(foundOf([...different(64, "n"), "last", "last"])).toBe(0);
  expect(foundOf(["first", ...different(7, "n"), "first"])).toBe(1);
  expect(foundOf(["first", ...different(8, "n"), "first"])).toBe(0);
  // Found again, it is the last one that is given up.
  expect(foundOf(["first", ...different(7, "n"), "first", ...different(7, "m"), "first"])).toBe(2);
  const umlauts = different(1_000, "ä");
  expect(foundOf(["first", ...umlauts.slice(2), "first", "first"])).toBe(2);
  expect(foundOf(["first", ...umlauts.slice(1), "first", "first"])).toBe(0);
  expect(foundOf(["first", "first", "first", ...umlauts, "first"])).toBe(3);
  // They are no attempts to learn one.
  expect(foundOf([...umlauts.slice(2), "last", "last"])).toBe(1);
});

it("knows several layouts at a time", () => {
  const types = ["call", "login", "guarded"];
  const texts = Array.from({ length: 300 }, (_, at) =>
    JSON.stringify(eventOf({ id: `e${at}`, type: types[at % 3], data: { n: at, user: "u", region: "r" } })),
  );
  const layouts = new CountedLayouts();
  expect(decodeAll(texts, layouts)).toEqual(decodeAll(texts, new NoLayouts()));
  expect(layouts.found).toBe(texts.length - types.length);
});
