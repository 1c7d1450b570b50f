/** Discounts, commitments and taxes all the way: apply, draft, finalize, show, explain, verify and repeat, as commands on real servers. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { connectNats } from "../../../src/stream/connect.ts";
import { ensureStreams } from "../../../src/stream/ensure-streams.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const CLI = fileURLToPath(new URL("../../../cmd/meterline.ts", import.meta.url));
const MIB = 1024 ** 2;
const PERIOD = "2020-03";
const CATALOG = `customers:
  - { key: acme, name: Acme, currency: EUR, timeZone: Europe/Berlin }
  - { key: beta, name: Beta, currency: EUR, timeZone: Europe/Berlin }
rateCards:
  - key: plain
    currency: EUR
    prices: [ { key: platform, description: Platform, price: { model: flat, amount: "49" } } ]
    commitments: [ { key: spend, name: Minimum spend, minimumAmount: "62" } ]
  - key: card
    currency: EUR
    prices:
      - { key: platform, description: Platform, price: { model: flat, amount: "500" } }
      - { key: support, description: Support, price: { model: flat, amount: "300" } }
    commitments:
      - { key: spend, name: Minimum spend, minimumAmount: "900" }
    taxes:
      rates: [ { key: vat, name: VAT, rate: "19", prices: [platform, spend] } ]
      exemptions: [ { key: training, kind: exempt, reason: "§ 4 Nr. 21 UStG", prices: [support] } ]
contracts:
  - key: acme-2020
    customer: acme
    rateCard: card
    effective: { from: "2020-01-01T00:00:00+01:00" }
    discounts: [ { key: launch, name: Launch, percent: "10", periods: 3 } ]
  - key: beta-2020
    customer: beta
    rateCard: plain
    effective: { from: "2020-03-15T00:00:00+01:00" }
    proration: day
`;

let servers: TestServers;
let clickhouse: ClickHouse;
let directory: string;

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
  const nats = await connectNats({ url: servers.natsUrl, name: "test" });
  await ensureStreams(nats, { shards: 1, usageBytesMax: 64 * MIB, journalBytesMax: 64 * MIB, messageBytesMax: MIB });
  await nats.close();
  directory = mkdtempSync(join(tmpdir(), "meterline-terms-"));
  writeFileSync(join(directory, "catalog.yaml"), CATALOG);
}, 120_000);

afterAll(async () => {
  await clickhouse?.close();
  await servers?.stop();
  if (directory !== undefined) rmSync(directory, { recursive: true });
});

function meterline(...args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env["PATH"],
    METERLINE_HOME: servers.home,
    METERLINE_NATS_URL: servers.natsUrl,
    METERLINE_CLICKHOUSE_URL: servers.clickhouseUrl,
    METERLINE_LOG_LEVEL: "silent",
  };
  return new Promise((done, fail) => {
    execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else fail(new Error(`meterline ${args.join(" ")}: ${stderr}${stdout}`));
    });
  });
}

const rows = <T>(sql: string): Promise<T[]> => clickhouse.rows<T>({ sql, doing: "testing" });

// Guarantee: 500 and 300 less 10 % are 720; 180 are missing to 900; 19 % of 450 and of 180 are 85.50 and 34.20.
test("from the catalog to a finalized invoice that verifies", async () => {
  await meterline("apply", directory, "--yes");
  const drafted = JSON.parse(await meterline("invoice", "draft", "--period", PERIOD, "--json")) as {
    readonly run: { readonly runId: string };
  };
  expect(await meterline("rate", "--repeat", drafted.run.runId)).toContain("the same bytes");
  await meterline("invoice", "finalize", "--period", PERIOD, "--yes");

  const shown = await meterline("invoice", "show", "INV-000001");
  expect(shown).toContain(
    [
      "Subtotal 980.00 EUR",
      "  Launch -80.00 EUR",
      "Before tax 900.00 EUR",
      "  VAT 19 % on 630.00 EUR: 119.70 EUR",
      "  Exempt from tax on 270.00 EUR: § 4 Nr. 21 UStG",
      "Total 1019.70 EUR",
    ].join("\n"),
  );

  const [shortfall] = await rows<{ line_id: string; compares: readonly string[] }>(
    "SELECT line_id, compares FROM finance.invoice_lines WHERE price = 'spend'",
  );
  expect(shortfall?.compares).toHaveLength(2);
  const explained = await meterline("explain", shortfall?.line_id ?? "");
  expect(explained).toContain("Together 720.00 EUR after discounts; missing are 180.00 EUR");
  expect(explained).toContain("VAT, 19 % on 180 EUR: 34.2 EUR on this line");
  expect(explained).not.toContain("BROKEN");
  const [platform] = shortfall?.compares ?? [];
  expect(await meterline("explain", platform ?? "")).toContain(
    "Launch, 10 % of 800.00 EUR: -80.00 EUR, of which -50.00 EUR on this line",
  );
  await meterline("verify");
}, 240_000);

// Guarantee: 49 · 14/31 = 22.129 lie before the 15th, 26.87 are left; 17 of 31 days of a minimum of 62 are 34.
test("a contract that begins on the 15th owes for 17 of 31 days", async () => {
  const lines = await rows<{ line_id: string; price: string; amount: string }>(
    "SELECT line_id, price, toString(amount) AS amount FROM finance.invoice_lines WHERE contract = 'beta-2020' ORDER BY line_number",
  );
  expect(lines.map(({ price, amount }) => `${price} ${amount}`)).toEqual(["platform 26.87", "spend 7.13"]);
  const explained = await meterline("explain", lines[0]?.line_id ?? "");
  expect(explained).toContain("17 of 31 days of 49 EUR: 49 for the first 31, less 22.13 for the first 14");
  expect(explained).not.toContain("BROKEN");
});

// Guarantee: what finance adds up over lines, taxes and adjustments is what the invoice says.
test("the views add up", async () => {
  const [sums] = await rows(
    `SELECT toString(any(i.subtotal) - sum(l.amount)) AS subtotal, toString(any(i.adjustment) - sum(l.adjustment)) AS adjustment,
        toString(any(i.net) - sum(l.net)) AS net, toString(any(i.tax) - sum(l.tax)) AS tax, toString(any(i.total - i.net - i.tax)) AS total
      FROM finance.invoices AS i INNER JOIN finance.invoice_lines AS l ON l.invoice_id = i.invoice_id WHERE i.customer = 'acme'`,
  );
  expect(sums).toEqual({ subtotal: "0", adjustment: "0", net: "0", tax: "0", total: "0" });
  expect(
    await rows(
      "SELECT tax_key, kind, reason, toString(sum(base)) AS base, toString(sum(amount)) AS amount FROM finance.invoice_taxes GROUP BY ALL ORDER BY tax_key",
    ),
  ).toEqual([
    { tax_key: "training", kind: "exempt", reason: "§ 4 Nr. 21 UStG", base: "270", amount: "0" },
    { tax_key: "vat", kind: "rate", reason: "", base: "630", amount: "119.7" },
  ]);
  expect(
    await rows(
      "SELECT toString(sum(amount)) AS amount FROM finance.invoice_adjustments WHERE adjustment_key = 'launch'",
    ),
  ).toEqual([{ amount: "-80" }]);
});
