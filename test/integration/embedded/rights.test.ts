/** What each user may do on the real schema, and how passwords are kept. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { connectClickHouse } from "../../../src/clickhouse/connect.ts";
import { ask } from "../../support/clickhouse-http.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

let servers: TestServers;

beforeAll(async () => {
  servers = await startTestServers();
  const clickhouse = connectClickHouse({ url: servers.clickhouseUrl, user: "default", password: "" });
  await migrate(clickhouse);
  await clickhouse.close();
});

afterAll(async () => {
  await servers.stop();
});

function passwordFile(user: string): string {
  return join(servers.home, "clickhouse", "passwords", user);
}

async function as(user: string, body: string): Promise<string> {
  const password = user === "default" ? "" : readFileSync(passwordFile(user), "utf8").trim();
  const headers = { "x-clickhouse-user": user, "x-clickhouse-key": password };
  return (await ask({ url: servers.clickhouseUrl, body, headers })).text;
}

async function namesIn(database: string): Promise<readonly string[]> {
  const text = await as("default", `SELECT name FROM system.tables WHERE database = '${database}' ORDER BY name`);
  return text.trim().split("\n");
}

test("finance reads every view of its database, with the rights of its maker", async () => {
  const views = await namesIn("finance");
  expect(views.length).toBeGreaterThan(5);
  for (const view of views) {
    const made = await as(
      "default",
      `SELECT create_table_query FROM system.tables WHERE database = 'finance' AND name = '${view}'`,
    );
    expect(`${view}: ${made}`).toContain("SQL SECURITY DEFINER");
    expect(`${view}: ${await as("finance", `SELECT * FROM finance.${view} LIMIT 1 FORMAT Null`)}`).toBe(`${view}: `);
  }
});

test("finance reads nothing of the pipeline's tables, nor is it told of them", async () => {
  // A view with parameters is refused in its own words (90): without them it has no columns.
  for (const table of await namesIn("meterline"))
    expect(await as("finance", `SELECT count() FROM meterline.\`${table}\``)).toMatch(
      /^Code: (497\..*finance: Not enough privileges|90\.)/,
    );
  expect(await as("finance", "SELECT count() FROM system.tables WHERE database = 'meterline'")).toBe("0\n");
});

test("the sink reads and inserts into the pipeline's tables, and changes none of them", async () => {
  for (const table of ["event_keys", "sink_batches", "usage_events"]) {
    expect(await as("sink", `SELECT count() FROM meterline.${table}`)).toBe("0\n");
    expect(await as("sink", `ALTER TABLE meterline.${table} DELETE WHERE 1`)).toMatch(/^Code: 497\./);
    expect(await as("sink", `DROP TABLE meterline.${table}`)).toMatch(/^Code: 497\./);
  }
  expect(await as("sink", "SELECT * FROM finance.usage")).toMatch(/^Code: 497\./);
});

test("passwords that nobody set are made up, each its own, for their owner alone", () => {
  const users = readdirSync(join(servers.home, "clickhouse", "passwords")).sort();
  expect(users).toEqual(["admin", "finance", "sink"]);
  const passwords = users.map((user) => readFileSync(passwordFile(user), "utf8").trim());
  expect(new Set(passwords).size).toBe(3);
  for (const [n, user] of users.entries()) {
    expect(passwords[n]?.length).toBeGreaterThanOrEqual(24);
    expect(statSync(passwordFile(user)).mode & 0o777).toBe(0o600);
  }
  const kept = readFileSync(join(servers.home, "clickhouse", "users.json"), "utf8");
  for (const password of passwords) expect(kept).not.toContain(password);
  expect(statSync(join(servers.home, "clickhouse", "users.json")).mode & 0o777).toBe(0o600);
});
