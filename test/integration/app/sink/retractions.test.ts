/** Voids and amends through the real pipeline: published, decided, inserted twice, interrupted, and read back as of every cut. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UsageQuery } from "../../../../src/app/ports.ts";
import { verifyUsage } from "../../../../src/app/verify/verify.ts";
import { billingStore } from "../../../../src/clickhouse/billing-store.ts";
import { createVerifyStore } from "../../../../src/clickhouse/verify-store.ts";
import { AGGREGATIONS, countsEarlier, measureOf, type Aggregation } from "../../../../src/domain/meter.ts";
import { decimal, decimalText, ZERO } from "../../../../src/kernel/decimal.ts";
import { aggregate } from "../../../../src/metering/aggregate.ts";
import { aggregatedEvents, tell, STORY_PERIOD, type Counted } from "../../../support/retraction-story.ts";
import { CHUNKS, startRetractionWorld, storiesOf, type RetractionWorld } from "../../../support/retraction-world.ts";
import { CARRIED_MEASURES, measureFor } from "../../../support/measure-for.ts";

const STORIES = 6;
const NOW_CUT = 4_294_967_295;

const stories = storiesOf(STORIES);
let world: RetractionWorld;
/** Of each source, the cut of each of its events in their order. */
const cuts = new Map<string, number[]>();

beforeAll(async () => {
  world = await startRetractionWorld(stories);
}, 180_000);

afterAll(async () => {
  await world?.stop();
});

// Guarantee: each event of each message has one row, with the verdict that a reader with a pencil gives, inserted twice or not.
test.each(stories)("$source: every event has its verdict", async ({ source, events }) => {
  const rows = await world.clickhouse.rows<{ id: string; verdict: string; cut: number }>({
    sql: `SELECT id, toString(verdict) AS verdict, cut FROM meterline.usage_events_raw
      WHERE source = {source: String} ORDER BY seq, position`,
    params: { source },
    doing: "reading the verdicts",
  });
  expect(rows.map((row) => `${row.id} ${row.verdict}`)).toEqual(
    tell(events).verdicts.map((verdict, index) => `${events[index]?.id ?? ""} ${verdict}`),
  );
  cuts.set(
    source,
    rows.map((row) => row.cut),
  );
});

/** What counts of all stories as of a cut. */
function countedAsOf(cut: number): Counted[] {
  return stories.flatMap(({ source, events }) => {
    const known = events.filter((_, index) => (cuts.get(source)?.[index] ?? Infinity) <= cut);
    return [...tell(known).counted];
  });
}

const PERIODS = [
  ["two days", STORY_PERIOD],
  ["one day", { from: STORY_PERIOD.from, to: STORY_PERIOD.from + 86_400_000_000_000n }],
  [
    "a quarter of an hour",
    { from: STORY_PERIOD.from + 36_000_000_000_000n, to: STORY_PERIOD.from + 36_900_000_000_000n },
  ],
] as const;

// Guarantee: every aggregation gives what it would have given had the events been published as they count in the end, as of every cut.
describe.each(AGGREGATIONS)("%s", (aggregation) => {
  test.each(PERIODS)("equals the naive reference over %s, as of every cut", async (_, period) => {
    for (const cut of [1, 2, 3, CHUNKS, NOW_CUT]) {
      const query = { meter: `m-${aggregation}`, ...measureFor(aggregation), where: {}, ...period, cut, customers: [] };
      expect(await measured(query), `as of cut ${String(cut)}`).toEqual(expectedOf(query, countedAsOf(cut)));
    }
  });

  test("equals it for one value of a dimension", async () => {
    const period = STORY_PERIOD;
    const query = {
      meter: `m-${aggregation}`,
      ...measureFor(aggregation),
      where: { user: "u1" },
      ...period,
      cut: 3,
      customers: [],
    };
    const counted = countedAsOf(3).filter(({ user }) => user === "u1");
    expect(await measured(query)).toEqual(expectedOf(query, counted));
  });
});

// Guarantee: what a period begins with is what the events count as in the end, as of every cut: voided, amended to another time or customer, or come late.
test.each(CARRIED_MEASURES)(
  "$name of the second day goes by the first day's events too",
  async ({ name, ...measure }) => {
    const from = STORY_PERIOD.from + 86_400_000_000_000n;
    const query = { meter: `m-${name}`, ...measure, where: {}, from, to: STORY_PERIOD.to, customers: [] };
    const later = { from: STORY_PERIOD.to, to: STORY_PERIOD.to + 900_000_000_000n };
    for (const cut of [1, 2, 3, CHUNKS]) {
      const counted = countedAsOf(cut);
      expect(counted.some(({ time }) => time < from)).toBe(true);
      expect(await measured({ ...query, cut }), `as of cut ${String(cut)}`).toEqual(
        expectedOf({ ...query, cut }, counted),
      );
      if (cut === CHUNKS)
        expect(await measured({ ...query, ...later, cut })).toEqual(expectedOf({ ...query, ...later, cut }, counted));
    }
  },
);

// Guarantee: a filter decides the same before and after an amend, and verification (below) finds the same events by SQL.
test("meters with filters count the events that fit, and no others", async () => {
  const query = { where: {}, ...STORY_PERIOD, customers: [] };
  for (const cut of [2, NOW_CUT]) {
    const counted = countedAsOf(cut);
    const some = counted.filter(({ user, tokens }) => user !== "u3" && ["1", "0"].includes(tokens));
    expect(some.length).toBeGreaterThan(0);
    const sum = { ...query, cut, meter: "m-some", aggregation: "sum" as const };
    expect(await measured(sum)).toEqual(expectedOf(sum, some));
    const others = { ...query, cut, meter: "m-others", aggregation: "count" as const };
    expect(await measured(others)).toEqual(
      expectedOf(
        others,
        counted.filter(({ user }) => user === "u3"),
      ),
    );
  }
});

test("a computed value is that of the event as it counts in the end", async () => {
  const query = { where: {}, ...STORY_PERIOD, cut: NOW_CUT, customers: [], meter: "m-computed" };
  const computed = countedAsOf(NOW_CUT).map((event) => {
    const doubled = decimal(event.tokens).times(2);
    return { ...event, tokens: decimalText((doubled.isNegative() ? ZERO : doubled).minus(decimal("0.5"))) };
  });
  const sum = { ...query, aggregation: "sum" as const };
  expect(await measured(sum)).toEqual(expectedOf(sum, computed));
});

async function measured(query: UsageQuery): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { customer, quantity, eventCount } of billingStore(world.clickhouse).meteredUsage(query))
    found[customer] = `${quantity} of ${eventCount}`;
  return found;
}

function expectedOf(query: UsageQuery & { readonly aggregation: Aggregation }, counted: readonly Counted[]) {
  const { aggregation, from, to } = query;
  const inside = counted.filter(({ time }) => (countsEarlier(query) || time >= from) && time < to);
  return Object.fromEntries(
    [...new Set(inside.map(({ customer }) => customer))].toSorted().map((customer) => {
      const own = inside.filter((event) => event.customer === customer);
      const events = aggregatedEvents(own, aggregation);
      return [
        customer,
        `${decimalText(aggregate({ ...measureOf(query), period: { from, to }, events }))} of ${String(own.length)}`,
      ];
    }),
  );
}

test("finance.usage counts the same events", async () => {
  const rows = await world.clickhouse.rows<{ customer: string; events: string; sum: string }>({
    sql: `SELECT customer, toString(sum(event_count)) AS events, toString(sum(quantity)) AS sum FROM finance.usage
      WHERE meter = 'm-sum' GROUP BY customer ORDER BY customer`,
    doing: "reading finance.usage",
  });
  const query = {
    meter: "m-sum",
    aggregation: "sum" as const,
    where: {},
    ...STORY_PERIOD,
    cut: NOW_CUT,
    customers: [],
  };
  const found = Object.fromEntries(rows.map((row) => [row.customer, `${row.sum} of ${row.events}`]));
  expect(found).toEqual(expectedOf(query, countedAsOf(NOW_CUT)));
});

const HASHED = `meterline.usage_events_as_of(cut = {cut: UInt32})
  LEFT ANY JOIN (SELECT shard, incarnation, seq, position, body_hash FROM meterline.usage_events_raw) AS hashed USING (shard, incarnation, seq, position)`;
const STATE = "meter, customer, window_start, dimensions, cut, shard, incarnation";

// Guarantee: each window holds what the single events in it give, as of every cut, digest and all.
test("lineage: the windows are those of the single events", async () => {
  const [last] = await world.clickhouse.rows<{ cut: number }>({
    sql: "SELECT max(cut) AS cut FROM meterline.sink_batches",
    doing: "reading the last cut",
  });
  for (const cut of [...Array(last?.cut ?? 0).keys(), last?.cut ?? 0, NOW_CUT]) {
    const rows = await world.clickhouse.rows<object>({
      sql: `SELECT ${STATE}, toString(groupArray(content)) AS contents FROM
        (
          SELECT ${STATE}, toString((sum(event_count), sum(quantity_sum), min(first_seq), max(last_seq), sum(events_digest))) AS content
          FROM meterline.usage_windows_as_of(cut = {cut: UInt32}) GROUP BY ${STATE}
          UNION ALL
          SELECT ${STATE}, toString((count(), sum(toDecimal256(quantity, 18)), min(seq), max(seq),
            sum(usage_event_leaf(source, id, body_hash, customer, meter, dimensions, event_time, quantity, text))))
          FROM ${HASHED} GROUP BY ${STATE}
        )
        GROUP BY ${STATE} HAVING count() != 2 OR uniqExact(content) != 1 LIMIT 3`,
      params: { cut },
      doing: "comparing windows and events",
    });
    expect(rows, `as of cut ${cut}`).toEqual([]);
  }
});

// Guarantee: no void or amend is there twice.
test("each retraction is stored once", async () => {
  const [row] = await world.clickhouse.rows<{ repeated: string }>({
    sql: "SELECT toString(count() - uniqExact(incarnation, seq, position)) AS repeated FROM meterline.event_retractions",
    doing: "counting retractions",
  });
  expect(row).toEqual({ repeated: "0" });
});

test("verification finds nothing", async () => {
  const store = createVerifyStore(world.clickhouse, () => Promise.resolve([]));
  expect(await verifyUsage({ store }, CHUNKS)).toEqual([]);
});

// Guarantee: the stories are worth telling: things were taken back across batches and cuts, within a batch, and more than once.
test("the stories have what they are to show", async () => {
  const rows = await world.clickhouse.rows<{ what: string; found: string }>({
    sql: `SELECT arrayJoin([
        ('across cuts', toString(countIf(own.cut > target.cut))), ('in a batch', toString(countIf(own.batch_first = target.batch_first))),
        ('an amended event', toString(countIf(target.type = 'meterline.amend')))]) AS pair, pair.1 AS what, pair.2 AS found
      FROM meterline.usage_retractions AS r
      INNER JOIN meterline.usage_events_raw AS target ON target.seq = r.target_seq AND target.position = r.target_position
      INNER JOIN meterline.usage_events_raw AS own ON own.seq = r.seq AND own.position = r.position`,
    doing: "counting what was taken back",
  });
  expect(rows).toHaveLength(3);
  for (const { what, found } of rows) expect([what, Number(found) > 0]).toEqual([what, true]);
});
