/**
 * Usage, voids and amends in any order, of few identities so that they meet, and the naive reference for them: what a reader would count who
 * goes through the events one by one with a pencil. The reference knows no batches, cuts, windows or tables.
 */
import fc from "fast-check";
import { AGGREGATIONS, type Aggregation, type Measure } from "../../src/domain/meter.ts";
import { instantOf, type Instant } from "../../src/kernel/instant.ts";
import type { AggregatedEvent } from "../../src/metering/aggregate.ts";
import { compileMeteringCatalog, type MeteringCatalog } from "../../src/metering/metering-catalog.ts";
import { catalogOf, type CatalogOfInput } from "./catalog-of.ts";
import { CARRIED_MEASURES, measureFor } from "./measure-for.ts";

type Meters = NonNullable<CatalogOfInput["meters"]>;
type UsageData = { readonly tokens?: string; readonly user: string };
type Changes = { readonly data?: UsageData; readonly time?: string; readonly subject?: string };
export type StoryEvent = {
  readonly specversion: "1.0";
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly data: UsageData | ({ readonly id: string } & Changes);
};

export type StoryPlaces = { readonly source: string; readonly customers: readonly [string, string] };
/** Events of a source; made of few identities, times and values, so that they repeat, tie and fall into the same windows. */
export function storyOf({ source, customers }: StoryPlaces): fc.Arbitrary<StoryEvent[]> {
  const subject = fc.constantFrom(customers[0], customers[0], customers[0], customers[1]);
  const time = fc.constantFrom(...TIMES);
  const user = fc.constantFrom("u1", "u2", "u3");
  const full = fc.record({ tokens: fc.constantFrom(...TOKENS), user });
  // Without tokens no meter can count it.
  const data: fc.Arbitrary<UsageData> = fc.oneof(
    { arbitrary: full, weight: 9 },
    { arbitrary: fc.record({ user }), weight: 1 },
  );
  const envelope = { specversion: fc.constant("1.0" as const), source: fc.constant(source), subject, time };
  const target = fc.oneof({ arbitrary: usageId, weight: 9 }, { arbitrary: retractionId, weight: 1 });
  const changes = fc
    .record({ data, time, subject }, { requiredKeys: [] })
    .filter((change) => Object.keys(change).length > 0);
  const events = fc.array(
    fc.oneof(
      fc.record({ ...envelope, id: usageId, type: fc.constant(USAGE), data }),
      fc.record({
        ...envelope,
        id: retractionId,
        type: fc.constant("meterline.void"),
        data: fc.record({ id: target }),
      }),
      fc.record({
        ...envelope,
        id: retractionId,
        type: fc.constant("meterline.amend"),
        data: fc.tuple(target, changes).map(([id, change]) => ({ id, ...change })),
      }),
    ),
    { minLength: 1, maxLength: STORY_LENGTH_MAX, size: "max" },
  );
  const places = fc.array(fc.tuple(fc.nat(STORY_LENGTH_MAX), fc.nat(STORY_LENGTH_MAX)), { maxLength: 4 });
  return fc.tuple(events, places).map(([told, repeats]) => repeats.reduce(withRepeat, told));
}

/** The event at one place again at another one. */
function withRepeat(events: StoryEvent[], [from, to]: readonly [number, number]): StoryEvent[] {
  const event = events[from % events.length];
  return event === undefined ? events : events.toSpliced(to % (events.length + 1), 0, event);
}

const STORY_LENGTH_MAX = 60;
const USAGE = "llm.completion";
const usageId = fc.nat(7).map((number) => `e${number}`);
const retractionId = fc.nat(19).map((number) => `d${number}`);
const TIMES = [
  "2026-10-01T10:00:00Z",
  "2026-10-01T10:00:00Z",
  "2026-10-01T10:14:59.999999999Z",
  "2026-10-01T10:15:00Z",
  "2026-10-01T23:59:59.999Z",
  "2026-10-02T00:00:00Z",
];
const TOKENS = ["1", "2.5", "-3", "0", "12345678901234567890.123456789012345678", "1"];
/** All times of a story lie in it. */
export const STORY_PERIOD = {
  from: instantOf("2026-10-01T00:00:00Z", "from"),
  to: instantOf("2026-10-03T00:00:00Z", "to"),
};

/** One meter of each aggregation, `m-<aggregation>`. */
export const STORY_METERS: Meters = AGGREGATIONS.map((aggregation) =>
  storyMeter(`m-${aggregation}`, measureFor(aggregation)),
);

/** Those that look back beyond their period, `m-<name>`. */
export const CARRIED_METERS: Meters = CARRIED_MEASURES.map(({ name, ...measure }) => storyMeter(`m-${name}`, measure));

function storyMeter(key: string, measure: Measure): Meters[number] {
  const value = measure.aggregation === "unique_count" ? "/data/user" : "/data/tokens";
  return {
    key,
    eventType: USAGE,
    ...measure,
    ...(measure.aggregation === "count" ? {} : { value }),
    dimensions: { user: "/data/user", customer: "/subject" },
  };
}

/** Meters of some events only, by texts and bounds and by what is missing, and one of a computed value. */
export const FILTERED_METERS: Meters = [
  {
    key: "m-some",
    eventType: USAGE,
    aggregation: "sum",
    value: "/data/tokens",
    where: { "/data/user": { in: ["u1", "u2"], not: ["u2x"] }, "/data/tokens": { gt: "-3", lte: "1.0" } },
    dimensions: {},
  },
  {
    key: "m-others",
    eventType: USAGE,
    aggregation: "count",
    where: { "/data/user": { not: ["u1", "u2"] }, "/data/absent": { exists: false }, "/data": { exists: true } },
  },
  {
    key: "m-computed",
    eventType: USAGE,
    aggregation: "sum",
    expression: "max(2 * /data/tokens, coalesce(/data/absent, 0)) - 0.5",
    dimensions: { user: "/data/user" },
  },
];

export function storyCatalog(customers: readonly string[], meters = STORY_METERS): MeteringCatalog {
  return compileMeteringCatalog(catalogOf({ meters, customers: customers.map((key) => ({ key })) }));
}

export type Counted = { readonly source: string; readonly id: string; readonly customer: string } & {
  readonly time: Instant;
  readonly tokens: string;
  readonly user: string;
};
export type Told = {
  readonly verdicts: readonly string[];
  /** What counts after the last event. */
  readonly counted: readonly Counted[];
};

export function tell(events: readonly StoryEvent[]): Told {
  const owners = new Map<string, StoryEvent>();
  const last = new Map<string, StoryEvent>();
  const verdicts = events.map((event) => {
    const owner = owners.get(event.id);
    // Nothing is said twice under one identity: the second one is not looked at, unless it can't be read.
    if (event.type === USAGE && !("tokens" in event.data)) return "rejected";
    if (owner !== undefined) return sameBody(owner, event) ? "duplicate" : "conflict";
    if (event.type !== USAGE) {
      const target = owners.get((event.data as { readonly id: string }).id);
      if (target?.type !== USAGE || target.subject !== event.subject) return "rejected";
      if (amended(target, event)?.tokens === "") return "rejected";
      last.set(target.id, event);
    }
    owners.set(event.id, event);
    return "accepted";
  });
  const usage = [...owners.values()].filter(({ type }) => type === USAGE);
  const counted = usage.map((event) => amended(event, last.get(event.id))).filter((event) => event !== undefined);
  return { verdicts, counted };
}

/** Undefined when it is void. Without tokens when they are missing. */
function amended(event: StoryEvent, by: StoryEvent | undefined): Counted | undefined {
  if (by?.type === "meterline.void") return undefined;
  const changes: Changes = by === undefined ? {} : (by.data as Changes);
  const { tokens = "", user } = changes.data ?? (event.data as UsageData);
  const time = instantOf(changes.time ?? event.time, "time");
  return { source: event.source, id: event.id, customer: changes.subject ?? event.subject, time, tokens, user };
}

function sameBody(a: StoryEvent, b: StoryEvent): boolean {
  const sorted = ({ type, subject, data }: StoryEvent): string =>
    JSON.stringify([type, subject, data], (_, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)))
        : value,
    );
  return sorted(a) === sorted(b);
}

/** As `aggregate` takes them. */
export function aggregatedEvents(counted: readonly Counted[], aggregation: Aggregation): AggregatedEvent[] {
  return counted.map(({ source, id, time, tokens, user }) => ({
    source,
    id,
    time,
    value: aggregation === "count" ? undefined : aggregation === "unique_count" ? user : tokens,
  }));
}
