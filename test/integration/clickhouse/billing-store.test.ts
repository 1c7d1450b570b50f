/** Rating and drafts on the real engine: repeatable to the byte, and every line leads to its events. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { explanationText } from "../../../cmd/commands/explain.ts";
import { explainLine } from "../../../src/app/explain/explain-line.ts";
import { draftInvoices } from "../../../src/app/invoicing/draft-invoices.ts";
import type { InvoicingDeps } from "../../../src/app/invoicing/invoicing-deps.ts";
import { ratePeriod } from "../../../src/app/rating/rate-period.ts";
import { repeatRun, restoreRun } from "../../../src/app/rating/repeat-run.ts";
import { billingStore } from "../../../src/clickhouse/billing-store.ts";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { createExplainStore } from "../../../src/clickhouse/explain-store.ts";
import { invoiceStore } from "../../../src/clickhouse/invoice-store.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import type { Catalog } from "../../../src/domain/catalog.ts";
import type { Allowance } from "../../../src/domain/contract-terms.ts";
import type { RatingRunEntry } from "../../../src/domain/journal-entry.ts";
import { AGGREGATIONS, type Aggregation } from "../../../src/domain/meter.ts";
import type { Price } from "../../../src/domain/price.ts";
import { WEEKDAYS, type HoursSpan } from "../../../src/domain/price-hours.ts";
import { merkleRoot } from "../../../src/invoicing/merkle.ts";
import { present } from "../../../src/kernel/assert.ts";
import { decimal, decimalText, sumDecimals } from "../../../src/kernel/decimal.ts";
import { instantOf, NS_PER_DAY } from "../../../src/kernel/instant.ts";
import { billingCatalog, priceOf } from "../../support/billing-catalog.ts";
import { BUCKETED_MEASURES, CARRIED_MEASURES } from "../../support/measure-for.ts";
import { memoryInvoicing } from "../../support/memory-invoicing.ts";
import { writeMeters } from "../../support/write-meters.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";
import { retractUsage, writeUsage, type WrittenEvent } from "../../support/usage-writer.ts";

const OCTOBER = { period: "2026-10", customers: [] };
const TIERED: Price = {
  model: "graduated",
  tiers: [
    { upTo: "100", unitAmount: "0.013" },
    { upTo: null, unitAmount: "0.0000017" },
  ],
};
/** Three say that hours and days of the contract's zone, and levels held over them, reach the lines; usage-views.test.ts measures all of them. */
const BUCKETED = BUCKETED_MEASURES.filter(({ name }) =>
  ["max-per-hour", "latest-per-day", "held-per-hour"].includes(name),
);
/** A level and values ever, of which one half of the events lie before the period; usage-views.test.ts measures all that look back. */
const CARRIED = CARRIED_MEASURES.filter(({ name }) => ["recurring-time_weighted_sum", "unique-ever"].includes(name));
const WORKING: readonly HoursSpan[] = [{ days: ["mon", "tue", "wed", "thu", "fri"], from: "08:00", to: "20:00" }];
const PRICES = [
  priceOf({ key: "fee", price: { model: "flat", amount: "49.90" } }),
  ...AGGREGATIONS.map((aggregation) => priceOf({ key: aggregation, meter: `m-${aggregation}`, price: TIERED })),
  ...BUCKETED.map(({ name }) => priceOf({ key: name, meter: `m-${name}`, price: TIERED })),
  ...CARRIED.map(({ name }) => priceOf({ key: name, meter: `m-${name}`, price: TIERED })),
  priceOf({
    key: "sum-eu",
    meter: "m-sum",
    where: { region: "eu" },
    additional: true,
    price: { model: "per_unit", unitAmount: "0.25" },
  }),
  priceOf({
    key: "by-region",
    meter: "m-sum",
    additional: true,
    price: {
      model: "matrix",
      dimensions: ["region"],
      cells: [{ match: { region: "eu" }, unitAmount: "0.3" }],
      otherwise: "0.07",
    },
  }),
  priceOf({
    key: "per-payment",
    meter: "m-sum",
    where: { region: "us" },
    additional: true,
    price: {
      model: "percentage",
      rate: "1.3",
      fixedAmount: "0.2",
      freeEvents: "3",
      freeAmount: "40",
      maxPerEvent: "2",
    },
  }),
  ...[{ in: WORKING }, { not: WORKING }].map((when) =>
    priceOf({ key: "in" in when ? "peak" : "off-peak", meter: "m-sum", when, additional: true, price: TIERED }),
  ),
  priceOf({
    key: "peak-cells",
    meter: "m-sum",
    when: { in: WORKING },
    additional: true,
    price: { model: "matrix", dimensions: ["region"], cells: [], otherwise: "0.07" },
  }),
  priceOf({
    key: "night-payments",
    meter: "m-sum",
    where: { region: { not: ["eu"] } },
    when: { in: [{ days: WEEKDAYS, from: "20:00", to: "08:00" }] },
    additional: true,
    price: { model: "percentage", rate: "1.3", fixedAmount: "0.2" },
  }),
  ...(["sum", "unique_count"] as const).map((aggregation) =>
    priceOf({
      key: `in-${aggregation}`,
      meter: `m-${aggregation}`,
      where: { region: { in: ["", "us"] } },
      additional: true,
      price: TIERED,
    }),
  ),
  ...BUCKETED.map(({ name }, index) =>
    priceOf({
      key: `some-${name}`,
      meter: `m-${name}`,
      where: { region: index === 0 ? { in: ["", "us"] } : { not: ["us"] } },
      additional: true,
      price: TIERED,
    }),
  ),
];

/** The usage of count and of the sum in eu is what the sum asks about. */
const SHARED: Allowance = { key: "included", quantity: "100", prices: ["count", "sum-eu", "sum"] };

let servers: TestServers;
let clickhouse: ClickHouse;
let deps: InvoicingDeps;
let run: RatingRunEntry;
let catalog: Catalog;
const usage = [
  ...AGGREGATIONS.flatMap((aggregation) => eventsOf(aggregation)),
  ...BUCKETED.flatMap(({ name, aggregation }) =>
    eventsOf(aggregation).map((event) => ({ ...event, meter: `m-${name}`, id: `${name} ${event.id}` })),
  ),
  ...CARRIED.flatMap(({ name, aggregation }) =>
    eventsOf(aggregation).map((event) => ({
      ...event,
      ...{ meter: `m-${name}`, id: `${name} ${event.id}`, time: event.time - 15n * NS_PER_DAY },
    })),
  ),
];

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
  await writeUsage(clickhouse, usage);
  const versions = ["2026-01-01T00:00:00Z", "2026-10-12T10:15:00Z"].map((from) => ({ from, prices: PRICES }));
  catalog = billingCatalog([
    { key: "acme-2026", customer: "acme", timeZone: "Europe/Berlin", versions, allowances: [SHARED] },
    { key: "beta-2026", customer: "beta", currency: "JPY", timeZone: "Asia/Kathmandu", versions: versions.slice(0, 1) },
  ]);
  await writeMeters(clickhouse, catalog);
  const memory = memoryInvoicing(catalog);
  deps = { ...memory.deps, store: billingStore(clickhouse), invoiceStore: invoiceStore(clickhouse) };
  run = await ratePeriod(deps, OCTOBER);
}, 120_000);

afterAll(async () => {
  await clickhouse.close();
  await servers.stop();
});

test("every price has its line in each contract part, also without usage", () => {
  expect(run.lines).toBe(PRICES.length + (PRICES.length - 1) + PRICES.length);
});

test("lines are read back as they were rated", async () => {
  const repeated = await repeatRun(deps, run.runId);
  expect(repeated.linesHash).toBe(run.linesHash);
  expect(repeated.wrongHashes).toEqual([]);
  const byId = (a: { lineId: string }, b: { lineId: string }) => (a.lineId < b.lineId ? -1 : 1);
  expect(repeated.stored.toSorted(byId)).toEqual(repeated.rated.toSorted(byId));
});

// Guarantee: cells and single events reach the prices from the database as they do from a list in memory, also across contract versions.
test("every line is what the naive reference rates", async () => {
  const memory = memoryInvoicing(catalog);
  memory.store.events.push(...usage);
  await ratePeriod(memory.deps, OCTOBER);
  const expected = new Map([...memory.store.lines.values()].map(({ line }) => [line.lineId, line]));
  const { rated } = await repeatRun(deps, run.runId);
  for (const line of rated) {
    const { quantity, amount, breakdown, input, eventCount } = present(expected.get(line.lineId), line.lineId);
    expect(line, line.lineId).toMatchObject({ quantity, amount, breakdown, eventCount, input: { ...input } });
  }
  expect(rated.find((line) => line.price === "by-region")?.breakdown.map((step) => step["kind"])).toContain("cell");
  const shared = rated.filter((line) => line.price === "sum" && line.customer === "acme");
  expect(shared.map((line) => line.breakdown[0]?.["kind"])).toEqual(["shared_allowance", "shared_allowance"]);
  // As the lines of these prices say it themselves.
  const quantityOf = (price: string): string | undefined =>
    rated.find((line) => line.price === price && line.lineId.startsWith("acme-2026/1/"))?.quantity;
  expect(shared.map((line) => line.input.allowance)).toContainEqual({
    key: "included",
    quantity: "100",
    used: ["count", "sum-eu"].map((price) => ({ price, quantity: quantityOf(price) })),
  });
  // One event in 13.09 hours, those with odd numbers in us: 1, 3, … 21 lie between the first and the twelfth day's 10:15.
  expect(rated.filter((line) => line.price === "per-payment").map((line) => line.input.priorEvents)).toContain("11");
});

test("periods lie in the contract's zone, and parts meet at the version's start", async () => {
  const rows = await clickhouse.rows<{ contract: string; period: string }>({
    sql: "SELECT DISTINCT contract, concat(toString(period_from), ' ', toString(period_to)) AS period FROM finance.rated_lines ORDER BY contract, period",
    doing: "reading periods",
  });
  expect(rows).toEqual([
    { contract: "acme-2026", period: "2026-09-30 22:00:00 2026-10-12 10:15:00" },
    { contract: "acme-2026", period: "2026-10-12 10:15:00 2026-10-31 23:00:00" },
    { contract: "beta-2026", period: "2026-09-30 18:15:00 2026-10-31 18:15:00" },
  ]);
});

// Guarantee: a run is a function of its stored input: after its lines are gone, late usage has come and the clock's zone has changed, the
// repetition writes the same bytes.
test("a repeated run writes the same bytes", async () => {
  const stored = () =>
    clickhouse.rows({
      sql: "SELECT * FROM meterline.rated_lines FINAL ORDER BY run_id, customer, line_id",
      doing: "reading rated lines",
    });
  const before = await stored();
  expect(before).toHaveLength(run.lines);
  await clickhouse.command({ sql: "TRUNCATE TABLE meterline.rated_lines", doing: "deleting rated lines" });
  await writeUsage(
    clickhouse,
    usage.map((event) => ({ ...event, id: `late-${event.id}`, cut: run.cut + 1, seq: event.seq + 10_000 })),
  );
  const zone = process.env["TZ"];
  process.env["TZ"] = "Pacific/Apia";
  try {
    expect(await restoreRun(deps, run.runId)).toMatchObject({ exact: true, rewritten: run.lines });
  } finally {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  }
  expect(await stored()).toEqual(before);
});

// Guarantee: from a line to its events and back: the same number, the same sum, the same digest, and nothing that came after its cut.
test("finance.line_events gives exactly the events behind a line", async () => {
  const { drafted } = await draftInvoices(deps, OCTOBER);
  expect(drafted.map((invoice) => invoice.contract)).toEqual(["acme-2026", "beta-2026"]);
  const lines = await clickhouse.rows<{
    line_id: string;
    meter: string;
    price: string;
    quantity: string;
    event_count: string;
    events_digest: string;
  }>({
    sql: "SELECT line_id, meter, price, toString(quantity) AS quantity, toString(event_count) AS event_count, events_digest FROM finance.invoice_lines",
    doing: "reading invoice lines",
  });
  const metered = lines.filter((line) => line.meter !== "");
  expect(metered.length).toBe(3 * (PRICES.length - 1));
  for (const line of metered) {
    const [found] = await clickhouse.rows<{ count: string; sum: string; digest: string }>({
      sql: `SELECT toString(count()) AS count, toString(sum(toDecimal256(value, 18))) AS sum,
          leftPad(lower(hex(sum(usage_event_leaf(source, id, body_hash, customer, meter, dimensions, event_time, value,
            if(meter IN ('m-unique_count', 'm-unique-ever'), value_text, ''))))), 64, '0') AS digest
        FROM finance.line_events WHERE line_id = {line:String}`,
      params: { line: line.line_id },
      doing: "reading line events",
    });
    expect([found?.count, found?.digest], line.line_id).toEqual([line.event_count, line.events_digest]);
    if (line.meter === "m-sum") expect(found?.sum).toBe(line.quantity);
  }
});

// Guarantee: the line of a level, and of values that are new, leads to the events before its period that it rests on, and says what the period begins with.
test("lines of meters that look back are explained from all events before their end", async () => {
  const lines = await clickhouse.rows<{ line_id: string; meter: string; carried: number; all: number }>({
    sql: `SELECT line_id, meter, toUInt32(countIf(carried)) AS carried, toUInt32(count()) AS all FROM finance.line_events
      WHERE meter IN ('m-recurring-time_weighted_sum', 'm-unique-ever') GROUP BY line_id, meter ORDER BY carried DESC LIMIT 1 BY meter`,
    doing: "reading the events of lines that look back",
  });
  expect(lines).toHaveLength(2);
  for (const { line_id: lineId, meter, carried, all } of lines) {
    const { line, events, windows, proofs } = await explainLine(
      { store: createExplainStore(clickhouse), merkleRoot },
      { lineId, eventsMax: 1000 },
    );
    // There is no contract in this database.
    expect(proofs.filter(({ holds }) => !holds).map(({ name }) => name)).toEqual(["contract version"]);
    expect([events.length, Number(line.eventCount)]).toEqual([all, all]);
    const earlier = events.filter(({ eventTime }) => Date.parse(eventTime) < Date.parse(line.periodFrom));
    expect(earlier.length).toBe(carried);
    expect(carried).toBeGreaterThan(0);
    expect(carried).toBeLessThan(all);
    const [first, ...rest] = windows;
    expect([first?.windowStart, first?.eventCount]).toEqual(["", String(carried)]);
    expect(rest.every(({ windowStart }) => Date.parse(windowStart) >= Date.parse(line.periodFrom))).toBe(true);
    if (meter === "m-recurring-time_weighted_sum")
      expect(decimalText(decimal(first?.quantity ?? ""))).toBe(
        decimalText(sumDecimals(earlier.map(({ value }) => decimal(value)))),
      );
  }
});

// Guarantee: the line of a meter that is taken per hour or day says so, and for how long it holds.
test("lines of meters with a bucket are explained", async () => {
  for (const { name, bucket, ...held } of BUCKETED) {
    const [row] = await clickhouse.rows<{ line_id: string }>({
      sql: "SELECT line_id FROM finance.invoice_lines WHERE price = {price: String} ORDER BY period_from LIMIT 1",
      params: { price: name },
      doing: "reading a line of a bucketed meter",
    });
    const explanation = await explainLine(
      { store: createExplainStore(clickhouse), merkleRoot },
      { lineId: row?.line_id ?? "", eventsMax: 1000 },
    );
    const { line } = explanation;
    expect([line.bucket, line.holdFor]).toEqual([bucket, "holdFor" in held ? held.holdFor : undefined]);
    const added = `${line.aggregation} per ${bucket}, added up${"holdFor" in held ? "; held for up to 2 hours without events" : ""}`;
    const text = explanationText(explanation);
    expect(text).toContain(`m-${name} (${added})`);
    // A quarter hour has no quantity that would add up to the line's.
    expect(text).toMatch(/events +digest/);
  }
});

// Guarantee: a price with hours charges what local clocks say, its opposite the rest, and explain finds the same windows and events behind both.
test("lines of peak and off-peak prices are explained", async () => {
  const lines = await clickhouse.rows<{ line_id: string; price: string; description: string; contract: string }>({
    sql: "SELECT line_id, price, description, contract FROM finance.invoice_lines WHERE price IN ('peak', 'off-peak') ORDER BY line_id",
    doing: "reading lines with hours",
  });
  expect(lines).toHaveLength(6);
  const counted = { peak: 0, "off-peak": 0 };
  for (const { line_id: lineId, price, description, contract } of lines) {
    const zone = contract === "acme-2026" ? "Europe/Berlin" : "Asia/Kathmandu";
    const hours = `Mon–Fri 08:00–20:00 ${zone}`;
    expect(description).toBe(price === "peak" ? `peak (m-sum), ${hours}` : `off-peak (m-sum), outside ${hours}`);
    const { events, windows, proofs } = await explainLine(
      { store: createExplainStore(clickhouse), merkleRoot },
      { lineId, eventsMax: 100 },
    );
    expect(proofs.filter(({ name }) => name === "single events" || name === "windows")).toMatchObject([
      { holds: true },
      { holds: true },
    ]);
    expect(windows.reduce((sum, { eventCount }) => sum + Number(eventCount), 0)).toBe(events.length);
    for (const { eventTime } of events) {
      const local = new Date(new Date(eventTime).toLocaleString("en-US", { timeZone: zone }));
      const works = local.getDay() >= 1 && local.getDay() <= 5 && local.getHours() >= 8 && local.getHours() < 20;
      expect(works, `${eventTime} in ${zone}`).toBe(price === "peak");
    }
    counted[price as keyof typeof counted] += events.length;
  }
  const [all] = await clickhouse.rows<{ events: number }>({
    sql: "SELECT toUInt32(sum(event_count)) AS events FROM finance.invoice_lines WHERE price = 'sum'",
    doing: "counting the events of all hours",
  });
  expect(counted["peak"]).toBeGreaterThan(5);
  expect(counted["peak"] + counted["off-peak"]).toBe(all?.events);
});

test("drafts are listed and shown with their lines, by id", async () => {
  const store = invoiceStore(clickhouse);
  const listed = [];
  for await (const invoice of store.invoices({ customers: ["beta"] })) listed.push(invoice);
  expect(listed).toMatchObject([
    { customer: "beta", contract: "beta-2026", status: "draft", number: "", finalizedAt: "" },
  ]);
  expect(listed[0]).toMatchObject({
    currency: "JPY",
    periodFrom: "2026-09-30T18:15:00Z",
    periodTo: "2026-10-31T18:15:00Z",
  });
  const shown = await store.invoice(listed[0]?.invoiceId ?? "");
  expect(shown?.invoice).toEqual(listed[0]);
  expect(shown?.lines).toHaveLength(PRICES.length);
  expect(shown?.lines.find((line) => line.description === "fee")).toMatchObject({ quantity: "1", amount: "50" });
  expect(await store.invoice("INV-999999")).toBeNull();
});

// Guarantee: usage that arrives after its period was invoiced is not lost and not billed in silence: it shows against its line.
test("finance.late_usage names what came after a finalized invoice's cut", async () => {
  const late = { ...eventOf({ aggregation: "sum", index: 3 }), id: "very-late", cut: 1000, seq: 99_999 };
  const lateRows = () =>
    clickhouse.rows<{ line_id: string; id: string; number: string }>({
      sql: "SELECT line_id, id, number FROM finance.late_usage ORDER BY line_id",
      doing: "reading late usage",
    });
  await writeUsage(clickhouse, [late]);
  expect(await lateRows()).toEqual([]);
  await finalizeRows();
  const found = await lateRows();
  expect(new Set(found.map((row) => row.id))).toEqual(new Set(["very-late"]));
  expect(found.length).toBeGreaterThan(0);
  expect(found[0]?.number).toBe("INV-000001");
});

// Guarantee: what comes to, or is taken from, any time before a finalized line's end is late for that line, when the line rests on it.
test("finance.late_usage names what changes a level that a finalized period began with", async () => {
  const meter = "m-recurring-time_weighted_sum";
  const own = usage.filter((event) => event.meter === meter && event.customer === "beta");
  const early = { ...present(own[0], "an early event"), id: "late-level", cut: 1000, seq: 99_998 };
  await writeUsage(clickhouse, [early]);
  const voided = present(own[1], "another early event");
  await retractUsage(clickhouse, { event: voided, cut: 1001 });
  const rows = await clickhouse.rows<{ id: string; kind: string; value: string; carried: boolean; contract: string }>({
    sql: `SELECT id, kind, toString(value) AS value, carried, l.contract AS contract FROM finance.late_usage AS u
      INNER JOIN finance.invoice_lines AS l ON l.line_id = u.line_id WHERE u.meter = {meter:String} ORDER BY kind, id`,
    params: { meter },
    doing: "reading late changes of a level",
  });
  expect(rows).toEqual([
    { id: voided.id, kind: "retracted", value: `-${voided.value}`, carried: true, contract: "beta-2026" },
    { id: "late-level", kind: "usage", value: decimalText(decimal(early.value)), carried: true, contract: "beta-2026" },
  ]);
});

test("every event has its verdict and, once its batch is committed, the time it was stored", async () => {
  await clickhouse.command({
    sql: `INSERT INTO meterline.sink_batches (shard, incarnation, first, last, cut, stored_at) VALUES (0, 1790000000000000001, 1, 1, 1, '2026-10-01 00:00:01.500')`,
    doing: "committing a batch",
  });
  const rows = await clickhouse.rows<{ id: string; verdict: string; stored_at: string | null }>({
    sql: "SELECT id, verdict, toString(stored_at) AS stored_at FROM finance.event_verdicts WHERE seq IN (1, 2) AND shard = 0 ORDER BY seq, id LIMIT 2",
    doing: "reading verdicts",
  });
  expect(rows[0]).toMatchObject({ verdict: "accepted", stored_at: "2026-10-01 00:00:01.500" });
  const [all] = await clickhouse.rows<{ verdicts: string; raw: string }>({
    sql: "SELECT (SELECT count() FROM finance.event_verdicts) AS verdicts, (SELECT count() FROM meterline.usage_events_raw) AS raw",
    doing: "counting verdicts",
  });
  expect(all?.verdicts).toBe(all?.raw);
});

/** What the projection of a finalization does to the rows of a draft. */
async function finalizeRows(): Promise<void> {
  for (const table of ["invoice_lines", "invoices"]) {
    const more = table === "invoices" ? ", 'finalized' AS status, 'INV-000001' AS number" : "";
    await clickhouse.command({
      sql: `INSERT INTO meterline.${table} SELECT * REPLACE (18446744073709551615 AS revision${more}) FROM meterline.${table} FINAL`,
      doing: "finalizing a draft's rows",
    });
  }
}

function eventsOf(aggregation: Aggregation): readonly WrittenEvent[] {
  return Array.from({ length: 60 }, (_, index) => eventOf({ aggregation, index }));
}

function eventOf({ aggregation, index }: { readonly aggregation: Aggregation; readonly index: number }): WrittenEvent {
  const start = instantOf("2026-09-30T10:00:00Z", "start");
  return {
    meter: `m-${aggregation}`,
    aggregation,
    customer: index % 4 === 0 ? "beta" : "acme",
    time: start + BigInt(index) * 47_123_456_789_123n,
    id: `${aggregation}-${String(index)}`,
    value: aggregation === "unique_count" ? `user-${String(index % 9)}` : `${String(index * 3)}.000000000000000001`,
    dimensions: { region: index % 2 === 0 ? "eu" : "us" },
    cut: 1,
    shard: index % 2,
    seq: index + 1,
  };
}
