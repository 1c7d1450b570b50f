/**
 * The demo's usage: a month of events of three customers with everything that goes wrong in production among them. The generator
 * knows what it made, so the demo can say what must come out.
 */
import { instantText } from "../../src/kernel/instant.ts";
import type { Period } from "../../src/kernel/period.ts";
import { seededRandom, type Random } from "./random.ts";

export type DemoEvent = Readonly<Record<string, unknown>> & { readonly id: string; readonly source: string };

/** One message: the JSON of one event, or of several as an array. */
export type DemoMessage = { readonly source: string; readonly body: string };

export type DemoUsage = {
  readonly messages: readonly DemoMessage[];
  readonly expected: {
    readonly accepted: number;
    readonly duplicate: number;
    readonly conflict: number;
    readonly rejected: number;
  };
};

const SEED = 20_261_001;
const SOURCES = ["gateway/eu", "gateway/us", "console"] as const;
const CUSTOMERS = ["acme", "acme-eu", "globex", "initech"] as const;
const MODELS = ["small-1", "large-1"] as const;
const REGIONS = ["eu-west-1", "us-east-1", "ap-northeast-1"] as const;
const EVENTS_PER_MESSAGE = 100;
const DUPLICATES = 500;
const CONFLICTS = 1;
const USERS = 400;

/** `events` good events over the period, in shuffled order, with duplicates, a conflict and broken ones between them. */
export function generateUsage(input: { readonly events: number; readonly period: Period }): DemoUsage {
  const random = seededRandom(SEED);
  const good = Array.from({ length: input.events }, (_, number) => goodEvent({ number, random, period: input.period }));
  const repeated = Array.from({ length: DUPLICATES }, () => good[random.below(good.length)]).filter(
    (event) => event !== undefined,
  );
  const conflicting = good
    .filter((event) => event["type"] === "llm.completion")
    .slice(0, CONFLICTS)
    .map((event) => ({ ...event, data: { ...(event["data"] as object), outputTokens: 1 } }));
  const broken = brokenMessages(input.period);
  const messages = [
    ...messagesOf(good, random),
    // A retry comes with a new time; that does not make it another event.
    ...messagesOf(
      repeated.map((event) => ({ ...event, time: instantText(input.period.from) })),
      random,
    ),
    ...messagesOf(conflicting, random),
    ...broken,
  ];
  return {
    messages,
    expected: {
      accepted: good.length,
      duplicate: repeated.length,
      conflict: conflicting.length,
      rejected: broken.length,
    },
  };
}

/** Usage of the same period that arrives when its invoices are already final. */
export function generateLateUsage(input: { readonly events: number; readonly period: Period }): DemoUsage {
  const random = seededRandom(SEED + 1);
  const events = Array.from({ length: input.events }, (_, number) => ({
    ...goodEvent({ number, random, period: input.period }),
    id: `late-${String(number)}`,
  }));
  return {
    messages: messagesOf(events, random),
    expected: { accepted: events.length, duplicate: 0, conflict: 0, rejected: 0 },
  };
}

type EventInput = { readonly number: number; readonly random: Random; readonly period: Period };

function goodEvent({ number, random, period }: EventInput): DemoEvent {
  const milliseconds = Number((period.to - period.from) / 1_000_000n);
  const time = period.from + BigInt(random.below(milliseconds)) * 1_000_000n;
  return {
    specversion: "1.0",
    id: `e-${String(number)}`,
    source: random.pick(SOURCES),
    subject: random.pick(CUSTOMERS),
    time: instantText(time),
    ...usageOf(number, random),
  };
}

/** Nine in ten events are completions; the others feed the remaining meters. */
function usageOf(
  number: number,
  random: Random,
): { readonly type: string; readonly data: Readonly<Record<string, unknown>> } {
  switch (number % 40) {
    case 0:
      return {
        type: "session.started",
        data: { user: `user-${String(random.below(USERS))}`, concurrent: 1 + random.below(64) },
      };
    case 1:
      return {
        type: "capacity.reported",
        data: { free: `${String(5 + random.below(90))}.${String(random.below(10))}` },
      };
    case 2:
      return { type: "storage.measured", data: { gib: `${String(100 + random.below(900))}.125` } };
    case 3:
      return { type: "seats.changed", data: { change: random.below(3) === 0 ? -1 : 1 } };
    default:
      return {
        type: "llm.completion",
        data: {
          model: random.pick(MODELS),
          region: random.pick(REGIONS),
          inputTokens: 50 + random.below(4000),
          outputTokens: 1 + random.below(900),
        },
      };
  }
}

/** A message holds events of one source; some hold one event, most of them many. */
function messagesOf(events: readonly DemoEvent[], random: Random): DemoMessage[] {
  return [...Map.groupBy(events, (event) => event.source)].flatMap(([source, own]) => {
    const messages: DemoMessage[] = [];
    for (let start = 0; start < own.length;) {
      const size = random.below(10) === 0 ? 1 : EVENTS_PER_MESSAGE;
      const part = own.slice(start, start + size);
      messages.push({ source, body: JSON.stringify(part.length === 1 ? part[0] : part) });
      start += size;
    }
    return messages;
  });
}

/** One message per way of being wrong; each becomes one rejected row with its reason. */
function brokenMessages(period: Period): DemoMessage[] {
  const source = "console";
  const base = {
    specversion: "1.0",
    source,
    type: "llm.completion",
    subject: "acme",
    time: instantText(period.from),
    data: { model: "small-1", region: "eu-west-1", inputTokens: 1, outputTokens: 1 },
  };
  const texts = [
    '{"specversion":"1.0","id":"cut off',
    "",
    JSON.stringify({ ...base, id: "x-unknown-customer", subject: "nobody" }),
    JSON.stringify({ ...base, id: "x-not-a-number", data: { ...base.data, outputTokens: "many" } }),
    JSON.stringify({ ...base, id: "x-missing", data: { model: "small-1", inputTokens: 1 } }),
    JSON.stringify({ ...base, id: "x-too-old", time: "2001-01-01T00:00:00Z" }),
    JSON.stringify({ ...base, id: "x-future", time: "2100-01-01T00:00:00Z" }),
    JSON.stringify({ ...base, id: "x-other-source", source: "gateway/eu" }),
    JSON.stringify({ ...base, id: undefined }),
    JSON.stringify({ ...base, id: "x-too-fine" }).replace('"outputTokens":1', '"outputTokens":0.1234567890123456789'),
    JSON.stringify({ ...base, id: "x-twice" }).replace('"outputTokens":1', '"outputTokens":1,"outputTokens":2'),
  ];
  return texts.map((body) => ({ source, body }));
}
