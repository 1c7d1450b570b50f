/** Voids and amends within a batch and against what was stored before it: verdicts, reasons, and what counts afterwards. */
import { describe, expect, it } from "vitest";
import type { UsageRow } from "../../../src/domain/usage-event.ts";
import type { RetractionTarget } from "../../../src/domain/usage-retraction.ts";
import { NS_PER_SECOND, instantOf, instantText } from "../../../src/kernel/instant.ts";
import { decideVerdicts } from "../../../src/metering/decide-batch.ts";
import { DEFAULT_EVENT_TIME_RANGE, createDecodeContext } from "../../../src/metering/decode-context.ts";
import { decodeMessage } from "../../../src/metering/decode-message.ts";
import { eventKeyOf, eventKeyPrefix } from "../../../src/metering/event-identity.ts";
import { compileMeteringCatalog, type MeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";
import { ARRIVAL, eventOf, messageOf } from "../../support/usage-message-of.ts";

const TOKENS = {
  key: "tokens",
  eventType: "llm.completion",
  aggregation: "sum" as const,
  value: "/data/outputTokens",
  dimensions: { model: "/data/model", trace: "/trace" },
};
const CUSTOMERS = [{ key: "acme", aliases: ["acme-eu"] }, { key: "beta" }];
const CATALOG = compileMeteringCatalog(catalogOf({ meters: [TOKENS], customers: CUSTOMERS }));
const BATCH = { shard: 0, incarnation: 1_791_000_000_000_000_000n, batchFirst: 1, cut: 3 };
const FAR = "2026-10-02T00:00:00Z";

const voidOf = (id: string, target: string, members: object = {}): object =>
  eventOf({ id, type: "meterline.void", data: { id: target }, ...members });
const amendOf = (id: string, target: string, changes: object): object =>
  eventOf({ id, type: "meterline.amend", data: { id: target, ...changes } });
const data = (outputTokens: unknown, model = "small-1"): object => ({ data: { model, outputTokens } });

type World = {
  readonly targets?: ReadonlyMap<bigint, RetractionTarget>;
  readonly catalog?: MeteringCatalog;
  readonly earlier?: MeteringCatalog;
};

/** One message per event, from sequence 1 on. */
function decide(events: readonly unknown[], world: World = {}): readonly UsageRow[] {
  const { targets = new Map(), catalog = CATALOG, earlier = catalog } = world;
  const context = createDecodeContext({ catalog, timeRange: DEFAULT_EVENT_TIME_RANGE });
  const decoded = events.flatMap((event, index) => decodeMessage(messageOf(event, { seq: index + 1 }), context));
  const amend = {
    catalog,
    catalogAt: (seq: number) => (seq === catalog.seq ? catalog : earlier),
    timeRange: DEFAULT_EVENT_TIME_RANGE,
  };
  return decideVerdicts({ events: decoded, known: new Map(), targets, amend, batch: BATCH }).rows;
}

const said = (rows: readonly UsageRow[]): string[] =>
  rows.map(({ verdict, reason }) => (reason === "" ? verdict : `${verdict} ${reason}`));

/** What counts in the end, as `<customer> <window> <tokens> <dimensions>`: every contribution that no retraction names. */
function counted(rows: readonly UsageRow[]): string[] {
  const gone = new Set(
    rows.flatMap(({ retraction }) => (retraction?.retracts ?? []).map((place) => `${place.seq}/${place.meter}`)),
  );
  return rows
    .flatMap((row) => [
      ...row.uses.map((use) => ({ row, use, customer: row.customer, time: row.eventTime })),
      ...(row.retraction?.uses ?? []).map((use) => ({
        row,
        use,
        customer: row.retraction?.customer ?? "",
        time: row.retraction?.eventTime ?? 0n,
      })),
    ])
    .filter(({ row, use }) => !gone.has(`${row.seq}/${use.meter}`))
    .map(({ use, customer, time }) => {
      const dimensions = use.dimensions.map(({ name, value }) => `${name}=${value}`).join(" ");
      return `${customer} ${instantText(time)} ${use.quantity / 10n ** 18n} ${dimensions}`;
    });
}

const AT = "2026-10-03T08:15:30.250Z";

describe("a void", () => {
  it("takes back an event of the same batch", () => {
    const rows = decide([eventOf(), voidOf("v1", "e1")]);
    expect(said(rows)).toEqual(["accepted", "accepted"]);
    expect(counted(rows)).toEqual([]);
    expect(rows[1]?.retraction).toEqual({
      targetKey: eventKeyOf(eventKeyPrefix("gw"), "e1"),
      targetId: "e1",
      customer: "",
      eventTime: 0n,
      uses: [],
      retracts: [
        {
          meter: "tokens",
          customer: "acme",
          windowStart: Number(instantOf("2026-10-03T08:15:00Z", "window") / NS_PER_SECOND),
          incarnation: BATCH.incarnation,
          seq: 1,
          position: 0,
        },
      ],
    });
  });

  // Guarantee: a retry of the void, and the event sent again after it, change nothing.
  it("is a duplicate when it comes again, and so is its event", () => {
    const rows = decide([eventOf(), voidOf("v1", "e1"), voidOf("v1", "e1"), eventOf()]);
    expect(said(rows)).toEqual(["accepted", "accepted", "duplicate", "duplicate"]);
    expect(counted(rows)).toEqual([]);
  });

  it("is a conflict under its old identity with another target", () => {
    const rows = decide([eventOf(), eventOf({ id: "e2" }), voidOf("v1", "e1"), voidOf("v1", "e2")]);
    expect(said(rows)).toEqual(["accepted", "accepted", "accepted", "conflict"]);
    expect(counted(rows)).toHaveLength(1);
  });

  it("has no effect where nothing counts", () => {
    const rows = decide([eventOf(), voidOf("v1", "e1"), voidOf("v2", "e1"), eventOf({ id: "e2", type: "other" })]);
    expect(said(rows)).toEqual(["accepted", "accepted", "accepted without_effect", "accepted unmetered"]);
    expect(said(decide([eventOf({ id: "e2", type: "other" }), voidOf("v3", "e2")])).at(1)).toBe(
      "accepted without_effect",
    );
  });

  it("may say why, and name its source", () => {
    const rows = decide([eventOf(), voidOf("v1", "e1", { data: { id: "e1", source: "gw", reason: "test traffic" } })]);
    expect(said(rows)).toEqual(["accepted", "accepted"]);
  });

  it("takes the customer's alias for the customer", () => {
    expect(said(decide([eventOf(), voidOf("v1", "e1", { subject: "acme-eu" })]))).toEqual(["accepted", "accepted"]);
  });
});

describe("an amend", () => {
  it("puts new data in the place of the old, at the event's own time and customer", () => {
    const rows = decide([eventOf({ trace: "t1" }), amendOf("a1", "e1", data(50, "large"))]);
    expect(said(rows)).toEqual(["accepted", "accepted"]);
    expect(counted(rows)).toEqual([`acme ${AT} 50 model=large trace=t1`]);
    expect(rows[1]).toMatchObject({ customer: "acme", uses: [], id: "a1" });
  });

  it("keeps the data when it names another time or customer", () => {
    expect(counted(decide([eventOf(), amendOf("a1", "e1", { time: FAR })]))).toEqual([
      `acme ${FAR} 44 model=small-1 trace=`,
    ]);
    expect(counted(decide([eventOf(), amendOf("a1", "e1", { subject: "beta" })]))).toEqual([
      `beta ${AT} 44 model=small-1 trace=`,
    ]);
  });

  it("keeps the arrival as the time of an event that has none", () => {
    const rows = decide([eventOf({ time: undefined }), amendOf("a1", "e1", data(1))]);
    expect(counted(rows)).toEqual([`acme ${instantText(ARRIVAL)} 1 model=small-1 trace=`]);
  });

  // Guarantee: the last one by sequence wins, and each starts from the event as it was published.
  it("the last of several decides", () => {
    const rows = decide([
      eventOf(),
      amendOf("a1", "e1", { subject: "beta" }),
      amendOf("a2", "e1", data(7)),
      voidOf("v1", "e1"),
      amendOf("a3", "e1", data("8.5e0", "x")),
    ]);
    expect(said(rows)).toEqual(Array.from({ length: 5 }, () => "accepted"));
    expect(counted(rows)).toEqual([`acme ${AT} 8 model=x trace=`]);
    expect(rows.map(({ retraction }) => retraction?.retracts.map(({ seq }) => seq))).toEqual([
      undefined,
      [1],
      [2],
      [3],
      [],
    ]);
  });

  it("is rejected as its event would have been, and changes nothing then", () => {
    const rows = decide([
      eventOf(),
      amendOf("a1", "e1", { data: { model: "small-1" } }),
      amendOf("a2", "e1", { subject: "nobody" }),
      amendOf("a3", "e1", { time: "2036-01-01T00:00:00Z" }),
      amendOf("a4", "e1", { time: 7 }),
    ]);
    expect(said(rows)).toEqual([
      "accepted",
      "rejected value_missing",
      "rejected unknown_customer",
      "rejected time_in_future",
      "rejected attribute_invalid",
    ]);
    expect(rows[1]?.detail).toContain("the amended event: meter tokens");
    expect(rows[1]).toMatchObject({ eventKey: 0n, bodyHash: 0n });
    expect(counted(rows)).toEqual([`acme ${AT} 44 model=small-1 trace=`]);
  });

  // Guarantee: an amend says what was used, and not by which meters that is measured.
  it("is measured by the meters that decided its event", () => {
    const calls = { key: "calls", eventType: "llm.completion", aggregation: "count" as const };
    const today = { ...compileMeteringCatalog(catalogOf({ meters: [calls], customers: CUSTOMERS })), seq: 9 };
    const [row] = decide([eventOf()]);
    if (row === undefined) throw new Error("no row");
    const live = [
      { meter: "tokens", customer: "acme", windowStart: 900, incarnation: BATCH.incarnation, seq: 1, position: 0 },
    ];
    const target = { ...row, catalogSeq: CATALOG.seq, live };
    const targets = new Map([[row.eventKey, target]]);
    const [amended] = decide([amendOf("a1", "e1", data(5))], { targets, catalog: today, earlier: CATALOG });
    expect(amended?.retraction).toMatchObject({
      retracts: live,
      uses: [{ meter: "tokens", quantity: 5n * 10n ** 18n }],
    });
  });
});

describe("what can't be taken back", () => {
  it.each([
    ["an event that was never published", [voidOf("v1", "e1")], "rejected target_unknown"],
    ["an event that was rejected", [eventOf({ data: {} }), voidOf("v1", "e1")], "rejected target_unknown"],
    ["a void", [eventOf(), voidOf("v0", "e1"), voidOf("v1", "v0")], "rejected target_not_usage"],
    ["an amend", [eventOf(), amendOf("a0", "e1", data(1)), voidOf("v1", "a0")], "rejected target_not_usage"],
    ["itself", [voidOf("v1", "v1")], "rejected target_unknown"],
    [
      "another customer's event",
      [eventOf(), voidOf("v1", "e1", { subject: "beta" })],
      "rejected target_of_other_customer",
    ],
    [
      "an event for a customer nobody knows",
      [eventOf(), voidOf("v1", "e1", { subject: "x" })],
      "rejected unknown_customer",
    ],
  ])("%s", (_, events, expected) => {
    const rows = decide(events);
    expect(said(rows).at(-1)).toBe(expected);
    expect(rows.at(-1)).toMatchObject({ eventKey: 0n, bodyHash: 0n, retraction: undefined });
    expect(rows.at(-1)?.detail).not.toBe("");
  });

  // Guarantee: a retraction that came before its event is refused by name and owns nothing, so it can be published again after it.
  it("an event that comes only afterwards", () => {
    const rows = decide([voidOf("v1", "e1"), eventOf(), voidOf("v1", "e1")]);
    expect(said(rows)).toEqual(["rejected target_unknown", "accepted", "accepted"]);
    expect(counted(rows)).toEqual([]);
  });
});

// Guarantee: a catalog can't turn a void into usage.
it("no meter counts voids and amends", () => {
  const meters = [TOKENS, { key: "voids", eventType: "meterline.void", aggregation: "count" as const }];
  const catalog = compileMeteringCatalog(catalogOf({ meters, customers: CUSTOMERS }));
  const rows = decide([eventOf(), voidOf("v1", "e1")], { catalog });
  expect(rows.map(({ uses }) => uses.map(({ meter }) => meter))).toEqual([["tokens"], []]);
});
