/**
 * Voids and amends as a user meets them: published from a file, invoiced without what was taken back, and late usage after the invoice is final. Beside them a
 * contract by the hour whose free units roll over, so that the same verification is of both.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Explanation } from "../../../src/app/explain/explain-line.ts";
import { connectTo, endOf, instanceIn, runMeterline, startUp, until } from "../../support/meterline-process.ts";
import type { Ended, Instance, Up } from "../../support/meterline-process.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

const COUNTED_DEADLINE_MS = 110_000;
const LINE = "customer = 'acme' AND price = 'output-small'";

let dir: TempDir;
let instance: Instance;
let up: Up;
let connected: Awaited<ReturnType<typeof connectTo>>;

beforeAll(async () => {
  dir = await tempDir("retract");
  instance = await instanceIn(dir.path);
  up = await startUp(instance);
  connected = await connectTo(up);
  await run("apply", "docs/examples/catalog", "--yes");
}, 120_000);

afterAll(async () => {
  await connected?.close();
  up?.signal("SIGTERM");
  if (up !== undefined) await endOf(up);
  await dir.remove();
});

async function run(...args: readonly string[]): Promise<Ended> {
  const ended = await runMeterline(instance, args);
  // What it printed belongs to a failure's message.
  expect([args, ended.code, ended.code === 0 ? "" : `${ended.stdout}${ended.stderr}`]).toEqual([args, 0, ""]);
  return ended;
}

type Event = Readonly<Record<string, unknown>>;
const ENVELOPE = { specversion: "1.0", source: "gw", subject: "acme", time: "2026-10-03T08:15:30Z" };
const data = (outputTokens: number): Event => ({ model: "small-1", region: "eu", inputTokens: 1, outputTokens });
const usage = (id: string, outputTokens: number): Event => ({
  ...ENVELOPE,
  id,
  type: "llm.completion",
  data: data(outputTokens),
});
const voided = (id: string, target: string): Event => ({
  ...ENVELOPE,
  id,
  type: "meterline.void",
  data: { id: target },
});
const amended = (id: string, target: string, outputTokens: number): Event => ({
  ...ENVELOPE,
  id,
  type: "meterline.amend",
  data: { id: target, data: data(outputTokens) },
});

async function publish(name: string, events: readonly Event[]): Promise<void> {
  const path = join(dir.path, `${name}.ndjson`);
  writeFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  await run("publish", path);
  const { state } = await connected.nats.jsm.streams.info("USAGE_0");
  await until("everything published is counted", COUNTED_DEADLINE_MS, async () => {
    const [row] = await rows<{ last: string }>("SELECT toString(max(last)) AS last FROM meterline.sink_batches");
    return row?.last === String(state.last_seq) ? true : undefined;
  });
}

function rows<T>(sql: string): Promise<T[]> {
  return connected.clickhouse.rows<T>({ sql, doing: "testing" });
}

/** The rows of a view as texts, in the order of their columns. */
async function texts(sql: string): Promise<string[]> {
  const found = await rows<Record<string, unknown>>(sql);
  return found.map((row) => Object.values(row).join(" "));
}

async function explained(): Promise<Explanation> {
  const [line] = await texts(`SELECT line_id FROM finance.invoice_lines WHERE ${LINE}`);
  const { stdout } = await run("explain", line ?? "", "--json");
  return JSON.parse(stdout) as Explanation;
}

const LINE_EVENTS = `SELECT id, toString(value), amended_by FROM finance.line_events WHERE line_id = (SELECT line_id FROM finance.invoice_lines WHERE ${LINE}) ORDER BY id`;

// Guarantee: an invoice counts what is left, and its line shows both: what counts, and what was taken back by whom.
test("are not invoiced, and the line shows what was taken back", async () => {
  await publish("usage", [
    ...[usage("e1", 100), usage("e2", 200), usage("e3", 300), usage("e4", 400)],
    ...[voided("v1", "e1"), amended("a1", "e2", 250)],
  ]);
  await run("rate", "--period", "2026-10");
  await run("invoice", "draft", "--period", "2026-10");
  await run("invoice", "finalize", "--period", "2026-10", "--yes");
  expect(
    await texts(`SELECT toString(quantity), toString(event_count), status FROM finance.invoice_lines WHERE ${LINE}`),
  ).toEqual(["950 3 finalized"]);
  expect(await texts(LINE_EVENTS)).toEqual(["e2 250 a1", "e3 300 ", "e4 400 "]);
  const { line, events, retractions, proofs } = await explained();
  expect(events.map(({ id, value, amendedBy }) => [id, value, amendedBy])).toEqual([
    ["e2", "250", "a1"],
    ["e3", "300", ""],
    ["e4", "400", ""],
  ]);
  expect(retractions.map(({ id, value, kind, retractedBy }) => [id, value, kind, retractedBy])).toEqual([
    ["e1", "100", "meterline.void", "v1"],
    ["e2", "200", "meterline.amend", "a1"],
  ]);
  expect(proofs.filter(({ holds }) => !holds)).toEqual([]);
  const { stdout } = await run("explain", line.lineId);
  expect(stdout).toMatch(/e2 +250 +0\/\d+\/\d+ +a1/);
  expect(stdout).toContain("meterline.void v1");
});

// Guarantee: a final invoice stays as it is; what is taken back after it is late usage, and the values add up to what it lacks.
test("after the invoice is final they are late usage, with negative values", async () => {
  await publish("late", [
    ...[usage("e9", 50), voided("v9", "e9"), usage("e10", 7)],
    ...[voided("v3", "e3"), amended("a2", "e2", 10), amended("a3", "e2", 20)],
    { ...amended("a4", "e4", 0), data: { id: "e4", time: "2026-09-30T00:00:00Z" } },
  ]);
  const late = `SELECT id, toString(value), kind, decided_by FROM finance.late_usage WHERE meter = 'output-tokens' AND line_id = (SELECT line_id FROM finance.invoice_lines WHERE ${LINE}) ORDER BY id, value`;
  expect(await texts(late)).toEqual([
    "e10 7 usage ",
    "e2 -250 retracted a2",
    "e2 20 amended a3",
    "e3 -300 retracted v3",
    "e4 -400 retracted a4",
  ]);
  expect(await texts(LINE_EVENTS)).toEqual(["e2 250 a1", "e3 300 ", "e4 400 "]);
  expect((await explained()).proofs.filter(({ holds }) => !holds)).toEqual([]);
  expect(
    await texts(
      "SELECT toString(sum(quantity)) FROM finance.usage WHERE customer = 'acme' AND meter = 'output-tokens' AND window_start >= '2026-10-01 00:00:00'",
    ),
  ).toEqual(["27"]);
});

test("finance.retractions says which of them decides", async () => {
  const sql =
    "SELECT id, kind, target_id, in_force, toString(has(meters, 'output-tokens')) FROM finance.retractions ORDER BY seq, position";
  expect(await texts(sql)).toEqual([
    "v1 meterline.void e1 true 0",
    "a1 meterline.amend e2 false 1",
    "v9 meterline.void e9 true 0",
    "v3 meterline.void e3 true 0",
    "a2 meterline.amend e2 false 1",
    "a3 meterline.amend e2 true 1",
    "a4 meterline.amend e4 true 1",
  ]);
});

const HOURS = `meters:
  - { key: energy, eventType: charging.stopped, aggregation: sum, value: /data/kwh }
customers: [ { key: volt, name: Volt, currency: EUR, timeZone: Europe/Berlin } ]
rateCards:
  - key: charging
    currency: EUR
    prices:
      - key: peak
        meter: energy
        when: { days: [mon, tue, wed, thu, fri], from: "08:00", to: "20:00" }
        price: { model: per_unit, unitAmount: "1", minimumAmount: "31" }
      - key: off-peak
        meter: energy
        when: { not: { days: [mon, tue, wed, thu, fri], from: "08:00", to: "20:00" } }
        price: { model: per_unit, unitAmount: "0.5", usageDiscount: { freeUnits: "20", rollover: { periods: 1 } } }
contracts:
  - { key: volt-2026, customer: volt, rateCard: charging, effective: { from: "2026-08-15T00:00:00+02:00" }, proration: day }
`;
const charged = (id: string, time: string, kwh: string): Event => {
  const [source, subject, type] = ["gw", "volt", "charging.stopped"];
  return { specversion: "1.0", id, source, subject, type, time, data: { kwh } };
};

// Guarantee: of a minimum of 31 in 31 days 17 are due from the 15th on; 16 of August's 20 free units are left, of September's 40 used 4 are charged.
test("prices by the hour are prorated, and finalized in the order in which their free units roll over", async () => {
  const catalog = join(dir.path, "hours");
  mkdirSync(catalog);
  // Without the price of the other hours, a gap is told.
  writeFileSync(join(catalog, "catalog.yaml"), HOURS.replace(/ {6}- key: off-peak[^]*?(?=contracts:)/, ""));
  expect((await run("apply", catalog, "--dry-run")).stdout).toContain(
    "! contract volt-2026: no price charges energy Mon 00:00–08:00 and Mon–Thu 20:00–08:00",
  );
  writeFileSync(join(catalog, "catalog.yaml"), HOURS);
  await run("apply", catalog, "--yes");
  await publish("hours", [
    // Thursdays at 07:59:59, 08:00 and 20:00, a Saturday at noon, in Berlin.
    ...[charged("c1", "2026-08-20T05:59:59Z", "3"), charged("c2", "2026-08-20T06:00:00Z", "10")],
    ...[charged("c3", "2026-08-20T18:00:00Z", "1"), charged("c4", "2026-09-05T10:00:00Z", "40")],
  ]);
  const september = ["invoice", "finalize", "--period", "2026-09", "--customer", "volt", "--yes"];
  const refused = await runMeterline(instance, september);
  expect(refused.code).toBe(65);
  expect(refused.stderr).toContain("finalize 2026-07-31T22:00:00Z/2026-08-31T22:00:00Z of contract volt-2026 first");
  await run("invoice", "finalize", "--period", "2026-08", "--customer", "volt", "--yes");
  await run(...september);
  const lines = "FROM finance.invoice_lines WHERE customer = 'volt'";
  expect(
    await texts(`SELECT price, toString(quantity), toString(amount), status ${lines} ORDER BY period_from, price DESC`),
  ).toEqual(["peak 10 17 finalized", "off-peak 4 0 finalized", "peak 0 31 finalized", "off-peak 40 2 finalized"]);
  expect(
    await texts(
      "SELECT number, granted, toString(quantity), toString(periods) FROM finance.free_units_left ORDER BY number",
    ),
  ).toEqual(["INV-000004 2026-08-01 16 0"]);
  const [line] = await texts(`SELECT line_id ${lines} AND price = 'off-peak' ORDER BY period_from DESC LIMIT 1`);
  const { stdout } = await run("explain", line ?? "");
  expect(stdout).toContain(
    "20 units free in this period; 16 left over from the period of 2026-08-01, which lapse after this one",
  );
  expect(stdout).not.toContain("BROKEN");
});

test("verification finds nothing, and the invoice's run comes out the same", async () => {
  const { stdout } = await run("verify", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ discrepancies: [] });
});
