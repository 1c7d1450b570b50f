/** What each user may do on the real schema, and how passwords are kept. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { connectClickHouse } from "../../../src/clickhouse/connect.ts";
import { ask } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { runMeterline, startMeterline } from "../../support/meterline-process.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

/** Of the database `system`: what the engine has, and of tables and parts those that the reader may see. */
const OPEN_TABLES = new Set(
  (
    "aggregate_function_combinators build_options codecs collations columns completions contributors current_roles dashboards data_skipping_index_types " +
    "data_skipping_indices data_type_families database_engines databases dictionaries dictionary_layouts dictionary_sources disk_types documentation " +
    "enabled_roles formats functions graphite_retentions keywords licenses merge_tree_settings numbers numbers_mt one parts parts_columns primes privileges " +
    "settings settings_changes table_engines table_functions tables time_zones tokenizers unicode user_defined_functions zeros zeros_mt"
  ).split(" "),
);
const SINK_TABLES = new Set(
  "usage_ingest usage_ingest_special sink_fence sink_batches journal_entries catalog_versions rating_runs invoices invoice_lines".split(
    " ",
  ),
);
/** Tables and rows of the pipeline. */
const COUNTS =
  "SELECT count(), sum(total_rows) FROM system.tables WHERE database = 'meterline' AND engine LIKE '%MergeTree'";

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

async function as(user: string, body: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
  const password = user === "default" ? "" : readFileSync(passwordFile(user), "utf8").trim();
  const headers = { "x-clickhouse-user": user, "x-clickhouse-key": password };
  return (await ask({ url: servers.clickhouseUrl, body, headers, parameters })).text;
}

async function namesIn(database: string, condition = "1"): Promise<readonly string[]> {
  const from = `system.tables WHERE database = '${database}' AND ${condition}`;
  const text = await as("default", `SELECT name FROM ${from} ORDER BY name`);
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
  expect(await as("finance", "SELECT count() FROM meterline.usage_windows_as_of(cut = 1)")).toMatch(
    /^Code: 497\..*finance: Not enough privileges/,
  );
  expect(await as("finance", "SELECT count() FROM system.tables WHERE database = 'meterline'")).toBe("0\n");
  expect(await as("finance", "SELECT count() FROM system.columns WHERE database = 'meterline'")).toBe("0\n");
  expect(await as("finance", "SELECT count() FROM system.parts WHERE database = 'meterline'")).toBe("0\n");
});

// Guarantee: other users' queries, texts of errors with their values, paths: what a later engine adds is closed until somebody has looked at it.
test.each(["finance", "sink"])("%s is told of the system only what concerns itself", async (user) => {
  await as("admin", "SELECT toUInt8('value of an admin')");
  expect(await as("admin", "SELECT count() > 0 FROM system.errors")).toBe("1\n");
  // `processes` shows the user's own, and `models` asks a program that is not there for two minutes.
  const own = new Set([...OPEN_TABLES, "models", "processes", `processes_of_${user}`]);
  for (const table of (await namesIn("system")).filter((name) => !own.has(name))) {
    const rows = await as(user, `SELECT * FROM system.${table} LIMIT 1`);
    expect(`${table}: ${rows}`).toMatch(new RegExp(`^${table}: (Code: .*)?$`, "s"));
  }
  for (const parameters of [{}, { database: "system" }])
    expect(await as(user, "SELECT count() FROM processes_of_admin", parameters)).toMatch(/^(0\n|Code: 60\.)/);
  expect(await as(user, "SELECT count() FROM processes", { database: "system" })).toBe("0\n");
  expect(await as(user, "SELECT count() FROM system.processes")).toBe("1\n");
});

// Guarantee: the sink runs as the user `sink`: the catalog is projected, batches are committed, the views behind the insert count them.
test("the sink does its work as the user sink", async () => {
  const env = {
    METERLINE_HOME: join(servers.home, "roles"),
    METERLINE_NATS_URL: servers.natsUrl,
    METERLINE_CLICKHOUSE_URL: servers.clickhouseUrl,
    METERLINE_CLICKHOUSE_USER: "sink",
    METERLINE_CLICKHOUSE_PASSWORD: readFileSync(passwordFile("sink"), "utf8").trim(),
    METERLINE_HTTP_PORT: String(await freePort()),
    METERLINE_LOG_LEVEL: "warn",
    METERLINE_USAGE_STREAM_BYTES: String(256 * 1024 ** 2),
    METERLINE_JOURNAL_STREAM_BYTES: String(64 * 1024 ** 2),
  };
  const sink = startMeterline({ env }, ["sink"]);
  const ready = (): Promise<string> => as("sink", "SELECT count() FROM meterline.sink_fence");
  await expect.poll(ready, { timeout: 60_000 }).not.toBe("0\n");
  expect(await runMeterline({ env }, ["apply", "docs/examples/catalog", "--yes"])).toMatchObject({ code: 0 });
  expect(await runMeterline({ env }, ["publish", "docs/examples/events.ndjson"])).toMatchObject({ code: 0 });
  const stored = (): Promise<string> => as("finance", "SELECT count() > 0 FROM finance.usage");
  await expect.poll(stored, { timeout: 60_000 }).toBe("1\n");
  await expect.poll(() => as("sink", "SELECT count() > 0 FROM meterline.sink_batches")).toBe("1\n");
  expect(await as("sink", "SELECT count() > 0 FROM meterline.journal_entries")).toBe("1\n");
  sink.signal("SIGTERM");
  // Not one warning about a right that it lacks.
  expect(await sink.ended).toMatchObject({ code: 0, stderr: "Draining; once more to stop at once.\n" });
});

test("the sink writes nothing but its own tables, and changes none", async () => {
  const tables = await namesIn("meterline", "engine != 'View'");
  expect(tables).toEqual(expect.arrayContaining([...SINK_TABLES]));
  const before = await as("default", COUNTS);
  for (const table of tables) {
    const place = `meterline.\`${table}\``;
    const inserted = await as("sink", `INSERT INTO ${place} SELECT * FROM ${place} WHERE 0`);
    expect(`${table}: ${inserted.slice(0, 10)}`).toBe(`${table}: ${SINK_TABLES.has(table) ? "" : "Code: 497."}`);
    for (const change of [`ALTER TABLE ${place} DELETE WHERE 1`, `DROP TABLE ${place}`, `TRUNCATE TABLE ${place}`])
      expect(`${change}: ${await as("sink", change)}`).toMatch(/: Code: 497\./);
  }
  for (const view of await namesIn("finance"))
    expect(await as("sink", `SELECT * FROM finance.${view}`)).toMatch(/^Code: 497\./);
  for (const more of ["CREATE TABLE meterline.more (a UInt8) ENGINE = Memory", "CREATE DATABASE more"])
    expect(await as("sink", more)).toMatch(/^Code: 497\./);
  expect(await as("default", COUNTS)).toBe(before);
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
  for (const file of ["users.json", "engine.xml", "engine-users.xml"]) {
    const kept = readFileSync(join(servers.home, "clickhouse", file), "utf8");
    for (const password of passwords) expect(kept).not.toContain(password);
    expect(statSync(join(servers.home, "clickhouse", file)).mode & 0o777).toBe(0o600);
  }
  for (const directory of [".", "data", "backups", "spool", "pipes", "passwords"])
    expect(statSync(join(servers.home, "clickhouse", directory)).mode & 0o777).toBe(0o700);
});
