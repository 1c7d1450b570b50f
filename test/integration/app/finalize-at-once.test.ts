/** Twenty processes finalize the same period at once, against a real JetStream journal and a real ClickHouse. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createJournalReader } from "../../../src/app/catalog/journal-reader.ts";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import type { CatalogVersionEntry, JournalBody } from "../../../src/domain/journal-entry.ts";
import { canonicalJson } from "../../../src/kernel/canonical-json.ts";
import { sha256Hex } from "../../../src/kernel/hash.ts";
import { connectNats, type Nats } from "../../../src/stream/connect.ts";
import { ensureStreams } from "../../../src/stream/ensure-streams.ts";
import { createJournal } from "../../../src/stream/journal.ts";
import { billingCatalog, priceOf } from "../../support/billing-catalog.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const PROCESSES = 20;
const CONTRACTS = 30;
const PERIOD = "2020-03";
const MIB = 1024 ** 2;
const CLI = fileURLToPath(new URL("../../../cmd/meterline.ts", import.meta.url));

let servers: TestServers;
let clickhouse: ClickHouse;
let nats: Nats;

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
  nats = await connectNats({ url: servers.natsUrl, name: "test" });
  await ensureStreams(nats, { shards: 1, usageBytesMax: 64 * MIB, journalBytesMax: 64 * MIB, messageBytesMax: MIB });
  const journal = createJournal(nats, { now: () => BigInt(Date.now()) * 1_000_000n });
  await journal.append({ head: await journal.head(), bodies: catalogEntries() });
}, 120_000);

afterAll(async () => {
  await nats.close();
  await clickhouse.close();
  await servers.stop();
});

// Guarantee: whoever finalizes at the same time, each contract period gets one invoice, numbers have no gap, and every process says what is.
test("twenty processes give one invoice per contract and numbers without a gap", async () => {
  const answers = await Promise.all(Array.from({ length: PROCESSES }, () => finalize()));
  expect(answers.map((answer) => answer.code)).toEqual(Array.from({ length: PROCESSES }, () => 0));
  const journal = createJournal(nats, { now: () => 0n });
  const { finalized } = await createJournalReader(journal).head();
  const invoices = [...finalized.values()].toSorted((a, b) => a.position - b.position);
  expect(invoices.map((invoice) => invoice.position)).toEqual(
    Array.from({ length: CONTRACTS }, (_, index) => index + 1),
  );
  expect(new Set(invoices.map((invoice) => invoice.contract)).size).toBe(CONTRACTS);
  const results = answers.map((answer) => JSON.parse(answer.stdout) as { finalized: unknown[]; already: unknown[] });
  expect(results.reduce((sum, result) => sum + result.finalized.length, 0)).toBe(CONTRACTS);
  for (const result of results) expect(result.finalized.length + result.already.length).toBe(CONTRACTS);
  const rows = await clickhouse.rows<{ number: string; total: string; lines: string }>({
    sql: `SELECT i.number AS number, toString(any(i.total)) AS total, toString(count()) AS lines
      FROM finance.invoices AS i INNER JOIN finance.invoice_lines AS l ON l.invoice_id = i.invoice_id
      WHERE i.status = 'finalized' GROUP BY number ORDER BY number`,
    doing: "reading invoices",
  });
  expect(rows).toEqual(invoices.map((invoice) => ({ number: invoice.number, total: "10", lines: "1" })));
}, 300_000);

function finalize(): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const child = spawn(process.execPath, [CLI, "invoice", "finalize", "--period", PERIOD, "--yes", "--json"], {
    env: {
      PATH: process.env["PATH"],
      METERLINE_HOME: servers.home,
      METERLINE_NATS_URL: servers.natsUrl,
      METERLINE_CLICKHOUSE_URL: servers.clickhouseUrl,
      METERLINE_GRACE_HOURS: "0",
      METERLINE_LOG_LEVEL: "silent",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code, stdout });
    });
  });
}

function catalogEntries(): readonly JournalBody[] {
  const from = "2019-01-01T00:00:00Z";
  const fee = priceOf({ key: "fee", price: { model: "flat", amount: "10" } });
  const catalog = billingCatalog(
    Array.from({ length: CONTRACTS }, (_, index) => {
      const number = String(index).padStart(2, "0");
      return { key: `k-${number}`, customer: `c-${number}`, from, versions: [{ from, prices: [fee] }] };
    }),
  );
  const rooms = [catalog.customers, catalog.rateCards, catalog.contracts].flatMap((room) => [...room.values()].flat());
  const versions = rooms.map(({ kind, key, version, removed, definition }): CatalogVersionEntry => ({
    kind: "catalog.version",
    change: "test",
    entity: kind,
    key,
    version,
    hash: sha256Hex(canonicalJson(definition)),
    removed,
    definition,
  }));
  return [...versions, { kind: "catalog.commit", change: "test", versions: versions.length }];
}
