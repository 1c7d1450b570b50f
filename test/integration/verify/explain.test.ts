/** `explain` of lines of a real invoice: what it says, that its proofs hold, and that they break when what stands behind the line is changed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Explanation } from "../../../src/app/explain/explain-line.ts";
import { merkleRoot } from "../../../src/invoicing/merkle.ts";
import { sumDecimals, decimal } from "../../../src/kernel/decimal.ts";
import { startBilledWorld, type BilledWorld } from "../../support/billed-world.ts";
import { runMeterline, type Ended } from "../../support/meterline-process.ts";

const EXIT_OK = 0;
const EXIT_MISMATCH = 1;
const EXIT_NOT_FOUND = 65;
/** A graduated price with a filter. */
const METERED = "customer = 'acme' AND price = 'output-small'";

let world: BilledWorld;

beforeAll(async () => {
  world = await startBilledWorld(["acme"]);
});

afterAll(async () => {
  await world?.stop();
});

const lineWhere = (condition: string): Promise<string> =>
  world.value(`SELECT line_id FROM finance.invoice_lines WHERE ${condition}`);
const explain = (...args: readonly string[]): Promise<Ended> => runMeterline(world, ["explain", ...args]);

async function explanationOf(lineId: string): Promise<Explanation> {
  const { code, stdout, stderr } = await explain(lineId, "--events", "100000", "--json");
  expect([code, stderr]).toEqual([EXIT_OK, ""]);
  return JSON.parse(stdout) as Explanation;
}

// Guarantee: a line leads to its price, its contract version, every window and every event, and its digests follow from them.
test("a metered line of a finalized invoice", async () => {
  const { line, contract, windows, events, proofs } = await explanationOf(await lineWhere(METERED));
  expect(proofs.map(({ name, holds }) => [name, holds])).toEqual([
    ["contract version", true],
    ["single events", true],
    ["windows", true],
    ["invoice root", true],
  ]);
  expect(line).toMatchObject({
    status: "finalized",
    number: expect.stringMatching(/^INV-\d+$/) as unknown,
    customer: "acme",
    contract: "acme-2024",
    contractVersion: 1,
    price: "output-small",
    rateCard: "payg-eur",
    meter: "output-tokens",
    aggregation: "sum",
    filter: { model: "small-1" },
    currency: "EUR",
    runId: world.runId,
  });
  expect(contract?.definition).toMatchObject({ key: "acme-2024", rateCardVersion: 1, timeZone: "Europe/Berlin" });
  expect(events.length).toBe(Number(line.eventCount));
  const values = sumDecimals(events.map((event) => decimal(event.value)));
  expect(values.eq(decimal(line.quantity))).toBe(true);
  const inWindows = sumDecimals(windows.map((window) => decimal(window.quantity)));
  expect(inWindows.eq(decimal(line.quantity))).toBe(true);
  expect(line.breakdown.length).toBeGreaterThan(0);
});

test("each event is where explain says it is", async () => {
  const { events } = await explanationOf(await lineWhere(METERED));
  const rows = await world.services.clickhouse.rows<{ place: string; id: string }>({
    sql: "SELECT concat(toString(shard), '/', toString(seq), '/', toString(position)) AS place, id FROM meterline.usage_events_raw WHERE verdict = 'accepted'",
    doing: "reading where events are",
  });
  const idAt = new Map(rows.map(({ place, id }) => [place, id]));
  expect(events.map((event) => idAt.get(`${event.shard}/${event.seq}/${event.position}`))).toEqual(
    events.map((event) => event.id),
  );
});

// Guarantee: anybody can compute the root that stands in the journal from the line hashes that the view shows.
test("the journal's root follows from the lines", async () => {
  const { line } = await explanationOf(await lineWhere(METERED));
  const rows = await world.services.clickhouse.rows<{ line_hash: string }>({
    sql: "SELECT line_hash FROM finance.invoice_lines WHERE invoice_id = {invoiceId: String} ORDER BY line_number",
    params: { invoiceId: line.invoiceId },
    doing: "reading the line hashes",
  });
  const finalized = (await world.services.reader.head()).finalized.get(line.invoiceId);
  expect(merkleRoot(rows.map((row) => row.line_hash))).toBe(finalized?.merkleRoot);
});

test("a flat line has no usage, and a draft has no number", async () => {
  const flat = await explanationOf(await lineWhere("customer = 'acme' AND meter = ''"));
  expect(flat).toMatchObject({ windows: [], events: [], line: { eventCount: "0" } });
  expect(flat.proofs.every((proof) => proof.holds)).toBe(true);
  const draft = await explanationOf(await lineWhere("customer = 'globex' AND price = 'output'"));
  expect(draft.line).toMatchObject({ status: "draft", number: "" });
  expect(draft.proofs.every((proof) => proof.holds)).toBe(true);
});

test("a line that is not there", async () => {
  const { code, stderr } = await explain("inv_nobody-1");
  expect(code).toBe(EXIT_NOT_FOUND);
  expect(stderr).toContain('There is no invoice line "inv_nobody-1"');
});

// Guarantee: a line whose events are no longer all there is not explained away. The last test: the event is gone afterwards.
test("an event is taken away", async () => {
  const lineId = await lineWhere(METERED);
  const { events } = await explanationOf(lineId);
  const event = events[0];
  await world.command(
    `ALTER TABLE meterline.usage_events DELETE WHERE meter = 'output-tokens' AND id = '${event?.id ?? ""}' AND source = '${event?.source ?? ""}'`,
  );
  const { code, stdout, stderr } = await explain(lineId, "--json");
  expect(code).toBe(EXIT_MISMATCH);
  expect(stderr).toContain("single events");
  const { proofs } = JSON.parse(stdout) as Explanation;
  expect(proofs.filter((proof) => !proof.holds).map((proof) => proof.name)).toEqual(["single events"]);
});
