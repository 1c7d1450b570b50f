/** `apply` as a user runs it: the diff, the question, the exit codes. */
import { writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { connectNats } from "../../../src/stream/connect.ts";
import { ensureStreams } from "../../../src/stream/ensure-streams.ts";
import { runMeterline, type Ended } from "../../support/meterline-process.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const MIB = 1024 ** 2;
const AT_ONCE = 6;

let servers: TestServers;
let clickhouse: ClickHouse;

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
  const nats = await connectNats({ url: servers.natsUrl, name: "test" });
  await ensureStreams(nats, { shards: 1, usageBytesMax: 64 * MIB, journalBytesMax: 64 * MIB, messageBytesMax: MIB });
  await nats.close();
});

afterAll(async () => {
  await clickhouse.close();
  await servers.stop();
});

function catalogOf(name: string, text: string): string {
  const directory = join(servers.home, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "catalog.yaml"), text);
  return directory;
}

function apply(directory: string, ...options: readonly string[]): Promise<Ended> {
  const env = {
    METERLINE_HOME: servers.home,
    METERLINE_NATS_URL: servers.natsUrl,
    METERLINE_CLICKHOUSE_URL: servers.clickhouseUrl,
    METERLINE_LOG_LEVEL: "silent",
  };
  return runMeterline({ env }, ["apply", directory, ...options]);
}

const catalog = (amount: string): string => `meters:
  - { key: out, eventType: llm, aggregation: sum, value: /data/out }
customers:
  - { key: acme, name: Acme, currency: EUR, timeZone: Europe/Berlin }
rateCards:
  - key: payg
    currency: EUR
    prices: [ { key: output, meter: out, price: { model: per_unit, unitAmount: "${amount}" } } ]
contracts:
  - { key: k, customer: acme, rateCard: payg, effective: { from: "2026-01-01T00:00:00+01:00" } }
`;
type Result = {
  readonly applied: boolean;
  readonly journalSeq: number;
  readonly changes: readonly { readonly kind: string; readonly fields: readonly string[] }[];
};
const resultOf = (ended: Ended): Result => JSON.parse(ended.stdout) as Result;

// Guarantee: nothing takes effect unasked, the same files twice are one change, and finance sees the versions as soon as the command ends.
test("from the first look to the second version", async () => {
  const directory = catalogOf("first", catalog("2"));
  const looked = await apply(directory, "--dry-run");
  expect([looked.code, looked.stdout]).toEqual([
    0,
    expect.stringMatching(/\+ meter out, version 1\n.*\+ contract k, version 1, in effect from 2025-12-31T23:00:00Z/s),
  ]);
  const unasked = await apply(directory);
  expect([unasked.code, unasked.stderr]).toEqual([64, expect.stringContaining("--yes")]);

  const first = await apply(directory, "--yes", "--json");
  expect([first.code, resultOf(first)]).toEqual([0, expect.objectContaining({ applied: true, journalSeq: 5 })]);
  expect(resultOf(await apply(directory, "--yes", "--json"))).toEqual({ applied: false, journalSeq: 5, changes: [] });

  const second = await apply(catalogOf("second", catalog("3")), "--yes", "--json");
  const [card, contract] = resultOf(second).changes;
  expect(card).toMatchObject({ kind: "rate_card", fields: ['prices.output.price.unitAmount: "2" → "3"'] });
  expect(contract?.kind).toBe("contract");
  expect(contract?.fields).toContain("rateCardVersion: 1 → 2");
  const rows = await clickhouse.rows({
    sql: "SELECT contract, version, rate_card_version FROM finance.contracts ORDER BY version",
    doing: "reading contracts",
  });
  expect(rows).toEqual([
    { contract: "k", version: 1, rate_card_version: 1 },
    { contract: "k", version: 2, rate_card_version: 2 },
  ]);
});

test("files with problems change nothing and end with 65, each problem in its place", async () => {
  const wrong = catalog("2").replace('"2"', "2.5").replace("customer: acme", "customer: acne");
  const ended = await apply(catalogOf("wrong", wrong), "--yes");
  expect(ended.code).toBe(65);
  expect(ended.stderr).toMatch(
    /catalog\.yaml:8:\d+: rateCards\[0\]\.prices\[0\]\.price\.unitAmount: .*put it in quotes, "2\.5"/,
  );
  expect(ended.stderr).toMatch(/catalog\.yaml:10:\d+.*customer acne does not exist; did you mean acme\?/);
  expect((await apply(join(servers.home, "nowhere"), "--yes")).code).toBe(65);
});

// Guarantee: of processes that apply at the same time each change is made once.
test("several processes at once", async () => {
  const directories = Array.from({ length: AT_ONCE }, (_, index) =>
    catalogOf(
      `at-once-${index}`,
      `customers:\n  - { key: shared, name: S, currency: EUR, timeZone: UTC }\n  - { key: own-${index}, name: O, currency: EUR, timeZone: UTC }\n`,
    ),
  );
  const ended = await Promise.all(directories.map((directory) => apply(directory, "--yes", "--json")));
  expect(ended.map(({ code }) => code)).toEqual(directories.map(() => 0));
  const rows = await clickhouse.rows<{ key: string; versions: string }>({
    sql: "SELECT key, toString(count()) AS versions FROM meterline.catalog_versions FINAL WHERE kind = 'customer' AND key != 'acme' GROUP BY key ORDER BY key",
    doing: "reading customers",
  });
  expect(rows).toEqual([
    ...directories.map((_, index) => ({ key: `own-${index}`, versions: "1" })),
    { key: "shared", versions: "1" },
  ]);
});
