/** Voids and amends against the naive reference, however the events fall into batches. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { AGGREGATIONS } from "../../../src/domain/meter.ts";
import type { UsageRow } from "../../../src/domain/usage-event.ts";
import type { Contribution, RetractionTarget } from "../../../src/domain/usage-retraction.ts";
import { instantText } from "../../../src/kernel/instant.ts";
import { contributionsOf } from "../../../src/metering/decide-retraction.ts";
import { decideVerdicts, eventKeysOf, retractionKeysOf } from "../../../src/metering/decide-batch.ts";
import { DEFAULT_EVENT_TIME_RANGE, createDecodeContext } from "../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../src/metering/decode-message.ts";
import { storyCatalog, storyOf, tell, type StoryEvent } from "../../support/retraction-story.ts";
import { messageOf } from "../../support/usage-message-of.ts";

const RUNS = 500;
const METERS = AGGREGATIONS.length;
const CATALOG = storyCatalog(["acme", "beta"]);
const timeRange = DEFAULT_EVENT_TIME_RANGE;
const story = storyOf({ source: "gw", customers: ["acme", "beta"] });

/** What is stored of the batches so far: the rows themselves, asked as the tables are. */
class Tables {
  readonly rows: UsageRow[] = [];

  known(keys: readonly bigint[]): Map<bigint, bigint> {
    const accepted = this.rows.filter(({ verdict, eventKey }) => verdict === "accepted" && keys.includes(eventKey));
    return new Map(accepted.map(({ eventKey, bodyHash }) => [eventKey, bodyHash]));
  }

  targets(keys: readonly bigint[]): Map<bigint, RetractionTarget> {
    const accepted = this.rows.filter(({ verdict, eventKey }) => verdict === "accepted" && keys.includes(eventKey));
    return new Map(accepted.map((row) => [row.eventKey, { ...row, catalogSeq: CATALOG.seq, live: this.liveOf(row) }]));
  }

  private liveOf(row: UsageRow): readonly Contribution[] {
    const last = this.rows.findLast(({ retraction }) => retraction?.targetKey === row.eventKey);
    return last?.retraction === undefined
      ? contributionsOf(row, row)
      : contributionsOf({ ...last, ...last.retraction }, last);
  }

  /** Everything contributed that no retraction names, one text per event; each event has to feed all meters. */
  counted(): string[] {
    const place = (at: Contribution): string => `${at.seq} ${at.position} ${at.meter} ${at.customer} ${at.windowStart}`;
    const gone = this.rows.flatMap(({ retraction }) => retraction?.retracts.map(place) ?? []);
    expect(new Set(gone).size).toBe(gone.length);
    const contributed = this.rows.flatMap((row) => {
      const { retraction } = row;
      const said = retraction === undefined ? row : { ...row, ...retraction };
      const places = contributionsOf(said, row).map(place);
      return said.uses.map((use, index) => ({
        use,
        at: places[index] ?? "",
        said,
        id: retraction?.targetId ?? row.id,
      }));
    });
    const left = contributed.filter(({ at }) => !gone.includes(at));
    // Whatever was taken back had been there.
    expect(left.length).toBe(contributed.length - gone.length);
    return left
      .filter(({ use }) => use.meter === "m-sum")
      .map(({ use, said, id }) => `${id} ${said.customer} ${instantText(said.eventTime)} ${use.quantity}`)
      .toSorted();
  }
}

function store(events: readonly StoryEvent[], sizes: readonly number[]): Tables {
  const tables = new Tables();
  let seq = 1;
  for (let from = 0, batch = 0; from < events.length; batch += 1) {
    const size = sizes[batch % sizes.length] ?? 1;
    const context = createDecodeContext({ catalog: CATALOG, timeRange });
    const message = messageOf(events.slice(from, from + size), { seq });
    const decoded = [...decodeMessage(message, context)];
    const { rows } = decideVerdicts({
      events: decoded,
      known: tables.known(eventKeysOf(decoded)),
      targets: tables.targets(retractionKeysOf(decoded)),
      amend: { catalog: CATALOG, catalogAt: () => CATALOG, timeRange },
      batch: { shard: 0, incarnation: 1n, batchFirst: seq, cut: 1 },
    });
    tables.rows.push(...rows);
    from += size;
    seq += 1;
  }
  return tables;
}

function expectedOf(events: readonly StoryEvent[]): { verdicts: readonly string[]; counted: readonly string[] } {
  const { verdicts, counted } = tell(events);
  const text = ({ id, customer, time, tokens }: (typeof counted)[number]): string => {
    const [whole = "", places = ""] = tokens.split(".");
    return `${id} ${customer} ${instantText(time)} ${BigInt(whole + places.padEnd(18, "0"))}`;
  };
  return { verdicts, counted: counted.map(text).toSorted() };
}

// Guarantee: the last void or amend of an event by sequence decides what counts of it, and where batches end changes nothing.
test("give what the naive reference gives, in any order and in any batches", () => {
  fc.assert(
    fc.property(story, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }), (events, sizes) => {
      const tables = store(events, sizes);
      const expected = expectedOf(events);
      expect(tables.rows.map(({ verdict }) => verdict)).toEqual(expected.verdicts);
      expect(tables.counted()).toEqual(expected.counted);
      const uses = tables.rows.flatMap(({ retraction }) => retraction?.uses ?? []);
      expect(uses.length % METERS).toBe(0);
    }),
    { numRuns: RUNS },
  );
});

// Guarantee: the property is about something: its stories have every verdict, and events that were voided, amended and amended again.
test("are told by stories in which something happens", () => {
  const stories = fc.sample(story, { numRuns: 50, seed: 1 });
  expect(new Set(stories.flatMap((events) => tell(events).verdicts))).toEqual(
    new Set(["accepted", "duplicate", "conflict", "rejected"]),
  );
  const taken = stories.flatMap((events) => store(events, [3]).rows.map(({ retraction }) => retraction));
  const retracting = taken.filter((retraction) => retraction !== undefined && retraction.retracts.length > 0);
  expect(retracting.length).toBeGreaterThan(50);
  expect(retracting.filter((retraction) => retraction?.uses.length === METERS).length).toBeGreaterThan(20);
});
