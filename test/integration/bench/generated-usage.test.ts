/** What the benchmarks generate by SQL is what a rating run reads. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { billingStore } from "../../../src/clickhouse/billing-store.ts";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { generateUsage } from "../../bench/generated-usage.ts";
import { invoiceUsage, usageText } from "../../bench/usage-queries.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

let servers: TestServers;
let clickhouse: ClickHouse;

beforeAll(async () => {
  servers = await startTestServers();
  clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
});

afterAll(async () => {
  await clickhouse.close();
  await servers.stop();
});

test.each([
  ["sum", "c0 0.21 20\nc1 0.61 20"],
  ["unique_count", "c0 2 20\nc1 2 20"],
] as const)("usage of the aggregation %s", async (aggregation, expected) => {
  const usage = { meter: `by-${aggregation}`, aggregation };
  await generateUsage(clickhouse, { ...usage, customers: 2, eventsPerCustomer: 20, eventsPerWindow: 4 });
  const found = await invoiceUsage(billingStore(clickhouse), { ...usage, customers: [] });
  expect(usageText(found)).toBe(expected);
});
