import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../../cmd/demo/random.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";
import {
  connectTo,
  endOf,
  instanceIn,
  runMeterline,
  startUp,
  until,
  type Instance,
  type Up,
} from "../../support/meterline-process.ts";

/** 19,366 real requests with their token counts (Azure LLM inference trace 2023, CC BY 4.0), where it lies beside the repository. */
const REAL_TRACE = resolve(import.meta.dirname, "../../../../shared/data/azure-llm-inference-2023-conv.csv");
const GENERATED_ROWS = 5_000;
const COUNTED_DEADLINE_MS = 60_000;
/** Prices per token as integers of 10^-9 EUR, and as the catalog has them. */
const INPUT_PRICE = { nano: 250n, text: "0.00000025" };
const OUTPUT_PRICE = { nano: 2_000n, text: "0.000002" };

const CATALOG = `
meters:
  - { key: input-tokens, eventType: llm.request, aggregation: sum, value: /data/inputTokens }
  - { key: output-tokens, eventType: llm.request, aggregation: sum, value: /data/outputTokens }
customers:
  - { key: conv, name: Conversations, currency: EUR, timeZone: UTC }
rateCards:
  - key: tokens
    currency: EUR
    prices:
      - { key: input, meter: input-tokens, price: { model: per_unit, unitAmount: "${INPUT_PRICE.text}" } }
      - { key: output, meter: output-tokens, price: { model: per_unit, unitAmount: "${OUTPUT_PRICE.text}" } }
contracts:
  - key: conv-2023
    customer: conv
    rateCard: tokens
    effective: { from: "2023-01-01T00:00:00Z", to: null }
    billing: { interval: month, anchorDay: 1 }
`;
const MAP = `
source: azure/conv
id: { template: "row-{row}" }
type: llm.request
subject: conv
time: { column: TIMESTAMP, timeZone: UTC }
data:
  inputTokens: { column: ContextTokens, as: number }
  outputTokens: { column: GeneratedTokens }
`;

let dir: TempDir;
let instance: Instance;
let up: Up;

beforeAll(async () => {
  dir = await tempDir("publish");
  // The trace is of 2023; whenever this runs, its times must not count as too old.
  instance = await instanceIn(`${dir.path}/home`, { METERLINE_EVENT_TIME_PAST_DAYS: "18000" });
  up = await startUp(instance);
  await mkdir(`${dir.path}/catalog`);
  write("catalog/catalog.yaml", CATALOG);
  await ok(["apply", `${dir.path}/catalog`, "--yes"]);
});

afterAll(async () => {
  up.signal("SIGTERM");
  await endOf(up);
  await dir.remove();
});

function write(name: string, text: string): string {
  const path = `${dir.path}/${name}`;
  writeFileSync(path, text);
  return path;
}

async function ok(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runMeterline(instance, args);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${String(code)}: ${stderr}`);
  return stdout;
}

async function verdicts(): Promise<Readonly<Record<string, string>>> {
  const { clickhouse, close } = await connectTo(up);
  const rows = await clickhouse.rows<{ verdict: string; events: string }>({
    sql: "SELECT verdict, toString(count()) AS events FROM finance.event_verdicts GROUP BY verdict",
    doing: "counting verdicts",
  });
  await close();
  return Object.fromEntries(rows.map((row) => [row.verdict, row.events]));
}

async function untilAccepted(events: number): Promise<void> {
  await until(`${String(events)} events are accepted`, COUNTED_DEADLINE_MS, async () =>
    (await verdicts())["accepted"] === String(events) ? true : undefined,
  );
}

/** The trace, or where it does not lie one of the same shape. */
function trace(): string {
  if (existsSync(REAL_TRACE)) return readFileSync(REAL_TRACE, "utf8");
  const random = seededRandom(7);
  const rows = Array.from({ length: GENERATED_ROWS }, (_, row) => {
    const at = new Date(Date.UTC(2023, 10, 16, 18) + row * 700).toISOString().replace("T", " ").replace("Z", "1230");
    return `${at},${String(random.below(4_000))},${String(1 + random.below(1_000))}`;
  });
  return `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows.join("\n")}\n`;
}

/** Sums over the file alone: nothing of Meterline but the prices is used. */
function expectedOf(csv: string) {
  const rows = csv
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((row) => row.split(","));
  const sum = (column: number): bigint => rows.reduce((total, row) => total + BigInt(row[column] ?? "0"), 0n);
  const [input, output] = [sum(1), sum(2)];
  return {
    rows: rows.length,
    input,
    output,
    inputAmount: nanoText(input * INPUT_PRICE.nano),
    outputAmount: nanoText(output * OUTPUT_PRICE.nano),
    totalCents: cents(input * INPUT_PRICE.nano) + cents(output * OUTPUT_PRICE.nano),
  };
}

function nanoText(nano: bigint): string {
  const digits = nano.toString().padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, "");
}

/** Half up, of a positive amount. */
function cents(nano: bigint): bigint {
  return (nano + 5_000_000n) / 10_000_000n;
}

describe("publish", () => {
  // Guarantee: the invoice of a real trace is, to the last digit, the exact sum over its file times the prices; publishing it twice changes nothing.
  test("takes a CSV by a column map, once, and the invoice is exact", async () => {
    const csv = trace();
    const expected = expectedOf(csv);
    const [file, map] = [write("trace.csv", csv), write("map.yaml", MAP)];
    const first = JSON.parse(await ok(["publish", file, "--map", map, "--json"])) as { events: number };
    expect(first.events).toBe(expected.rows);
    await untilAccepted(expected.rows);
    const second = JSON.parse(await ok(["publish", file, "--map", map, "--json"])) as { alreadyPublished: boolean };
    expect(second.alreadyPublished).toBe(true);
    await ok(["publish", file, "--map", map, "--again"]);
    await until("the repetition is decided", COUNTED_DEADLINE_MS, async () =>
      (await verdicts())["duplicate"] === String(expected.rows) ? true : undefined,
    );

    await ok(["invoice", "finalize", "--period", "2023-11", "--yes"]);
    const { clickhouse, close } = await connectTo(up);
    const lines = await clickhouse.rows<{ price: string; quantity: string; amount_exact: string }>({
      sql: "SELECT price, toString(quantity) AS quantity, toString(amount_exact) AS amount_exact FROM finance.invoice_lines ORDER BY price",
      doing: "reading the lines",
    });
    const [invoice] = await clickhouse.rows<{ total: string; status: string }>({
      sql: "SELECT toString(total) AS total, status FROM finance.invoices",
      doing: "reading the invoice",
    });
    await close();
    expect(lines).toEqual([
      { price: "input", quantity: expected.input.toString(), amount_exact: expected.inputAmount },
      { price: "output", quantity: expected.output.toString(), amount_exact: expected.outputAmount },
    ]);
    expect(invoice?.status).toBe("finalized");
    expect(toCents(invoice?.total ?? "")).toBe(expected.totalCents);
    expect(await ok(["verify"])).toContain("All sound");
  });

  // Guarantee: a bad line is named by file and line, the good ones around it are published.
  test("names the lines of an NDJSON file that are no events", async () => {
    const good = (id: string): string =>
      `{"specversion":"1.0","id":"${id}","source":"nd/json","type":"other.type","subject":"conv","data":{"n":1e400}}`;
    const before = Number((await verdicts())["accepted"]);
    const file = write("events.ndjson", [good("1"), "{", "", '{"source":"x"}', "[1]", good("2")].join("\n"));
    const { code, stderr } = await runMeterline(instance, ["publish", file]);
    expect(code).toBe(65);
    expect(stderr).toContain("events.ndjson:2: not JSON");
    expect(stderr).toContain('events.ndjson:4: the event has no "id"');
    expect(stderr).toContain("events.ndjson:5: not a JSON object");
    await untilAccepted(before + 2);
  });
});

function toCents(total: string): bigint {
  const [whole = "0", fraction = ""] = total.split(".");
  return BigInt(whole) * 100n + BigInt(fraction.padEnd(2, "0").slice(0, 2));
}
