/** The cells of the matrix with the official JavaScript client: CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD say where. One JSON line per cell. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ClickHouseError, createClient, type ClickHouseClient, type ClickHouseSettings } from "@clickhouse/client";
import { bindable, exactRows, readValues, statementOf, type TypedValue } from "./javascript-cases.ts";

const CLIENT = "@clickhouse/client";
const TABLE = "javascript";
const ROWS = 100_000;
const POLLS_MAX = 60;
const POLL_MS = 500;
const EXACT: ClickHouseSettings = { output_format_json_quote_64bit_integers: 1, output_format_json_quote_decimals: 1 };

type Overrides = NonNullable<Parameters<typeof createClient>[0]>;

const connection = {
  url: required("CLICKHOUSE_URL"),
  username: required("CLICKHOUSE_USER"),
  password: required("CLICKHOUSE_PASSWORD"),
  log: { level: 127 },
  clickhouse_settings: EXACT,
} satisfies Overrides;
const values = readValues();

print("version", null, versionOfClient());
await withClient({}, async (client) => {
  await cell("ping", () => ping(client));
  await cell("parameter", () => parameter(client));
  await cell("million", () => million(client));
  await cell("insert", () => insert(client));
  for (const name of new Set(values.map((value) => value.cell)))
    if (name !== "parameter") await cell(name, () => roundTrip(client, name));
  await cell("error", () => errors(client));
  await cell("late_error", () => lateError(client));
  await cell("cancel", () => cancel(client));
});
await cell("compressed_result", () => withClient({ compression: { response: true } }, million));
await cell("compressed_insert", () => withClient({ compression: { request: true } }, insert));
await cell("session", session);
await cell("wrong_password", wrongPassword);

async function ping(client: ClickHouseClient): Promise<string> {
  const pong = await client.ping();
  if (!pong.success) throw pong.error;
  const [row] = await rowsOf<{ version: string }>(client, "SELECT version() AS version");
  if (!/^\d+\.\d+\./.test(row?.version ?? "")) throw new Error(`version ${row?.version ?? "missing"}`);
  return row?.version ?? "";
}

async function parameter(client: ClickHouseClient): Promise<string> {
  for (const { type, value, text } of values) {
    const query = `SELECT formatRowNoNewline('TabSeparated', {value: ${type}}) AS text`;
    const [row] = await rowsOf<{ text: string }>(client, query, { value: bindable(type, value) });
    equal(row?.text, text, type);
  }
  return `${values.length} values by query_params`;
}

async function million(client: ClickHouseClient): Promise<string> {
  const result = await client.query({ query: statementOf("million.sql", TABLE), format: "JSONCompactEachRow" });
  const digest = createHash("sha256");
  let count = 0;
  let total = 0n;
  for await (const rows of result.stream<[string, string, string]>()) {
    for (const row of rows) {
      const [n, s, d] = row.json();
      digest.update(`${n}\t${s}\t${d}\n`);
      count += 1;
      total += BigInt(n);
    }
  }
  const [wanted] = await rowsOf<object>(client, statementOf("million-digest.sql", TABLE));
  equal({ rows: String(count), total: String(total), sha256: digest.digest("hex") }, wanted, "1,000,000 rows");
  return "streamed JSONCompactEachRow";
}

async function insert(client: ClickHouseClient): Promise<string> {
  await client.command({ query: `DROP TABLE IF EXISTS clients_rows_${TABLE}` });
  await client.command({ query: statementOf("rows-table.sql", TABLE) });
  await client.insert({ table: `clients_rows_${TABLE}`, values: exactRows(ROWS), format: "JSONEachRow" });
  const digest = createHash("sha256");
  for (const { id, name, amount, at } of exactRows(ROWS)) digest.update(`${id}\t${name}\t${amount}\t${at}\n`);
  const [stored] = await rowsOf<object>(client, statementOf("rows-digest.sql", TABLE));
  equal(stored, { rows: String(ROWS), sha256: digest.digest("hex") }, "what the server holds");
  equal(await rowsOf<object>(client, `SELECT * FROM clients_rows_${TABLE} ORDER BY id`), exactRows(ROWS), "read back");
  return "JSONEachRow";
}

async function roundTrip(client: ClickHouseClient, name: string): Promise<string> {
  for (const [index, value] of values.entries())
    if (value.cell === name) await roundTripOne(client, value, `clients_value_${TABLE}_${index}`);
  return "JSONEachRow";
}

async function roundTripOne(client: ClickHouseClient, { type, value, text }: TypedValue, table: string): Promise<void> {
  await client.command({ query: `DROP TABLE IF EXISTS ${table}` });
  await client.command({ query: `CREATE TABLE ${table} (v ${type}) ENGINE = MergeTree ORDER BY tuple()` });
  await client.insert({ table, values: [{ v: value }], format: "JSONEachRow" });
  const query = `SELECT v, formatRowNoNewline('TabSeparated', v) AS text FROM ${table}`;
  equal(await rowsOf<object>(client, query), [{ v: value, text }], type);
}

async function errors(client: ClickHouseClient): Promise<string> {
  const codes = [await codeOf(client, "SELECT * FROM clients_nowhere"), await codeOf(client, "selekt 1")];
  equal(codes, ["60 UNKNOWN_TABLE", "62 SYNTAX_ERROR"], "codes");
  return "ClickHouseError with code and type";
}

async function lateError(client: ClickHouseClient): Promise<string> {
  const query = "SELECT number, throwIf(number = 900000, 'late failure') FROM numbers(1000000)";
  const result = await client.query({ query, format: "JSONCompactEachRow" });
  let read = 0;
  try {
    for await (const rows of result.stream()) read += rows.length;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    if (!said.includes("late failure")) throw error;
    return `the exception itself after ${read > 0 ? "some" : "no"} rows`;
  }
  throw new Error(`${read} rows and no error`);
}

async function cancel(client: ClickHouseClient): Promise<string> {
  const leaving = new AbortController();
  const settings = { max_block_size: "1", function_sleep_max_microseconds_per_block: "0" };
  const left = client
    .query({
      query: "SELECT 'clients-cancel-javascript', sleepEachRow(0.5) FROM numbers(240)",
      abort_signal: leaving.signal,
      clickhouse_settings: settings,
    })
    .then((result) => result.text())
    .then(
      () => "an answer",
      () => "aborted",
    );
  await untilRunning(client, 1);
  leaving.abort();
  equal(await left, "aborted", "the query that was left");
  await untilRunning(client, 0);
  return "abort_signal";
}

async function untilRunning(client: ClickHouseClient, wanted: number): Promise<void> {
  const query =
    "SELECT count() AS n FROM system.processes WHERE query LIKE '%clients-cancel-javascript%' AND query NOT LIKE '%system.processes%'";
  for (let poll = 0; poll < POLLS_MAX; poll += 1) {
    const [row] = await rowsOf<{ n: string }>(client, query);
    if (row?.n === String(wanted)) return;
    await pause(POLL_MS);
  }
  throw new Error(wanted === 0 ? "still running after the abort" : "never seen in system.processes");
}

async function session(): Promise<string> {
  await withClient({ session_id: `clients-javascript-${process.pid}` }, async (client) => {
    await client.command({ query: "CREATE TEMPORARY TABLE clients_temporary (n UInt8)" });
    await client.insert({ table: "clients_temporary", values: [{ n: 7 }], format: "JSONEachRow" });
    equal(await rowsOf(client, "SELECT n FROM clients_temporary"), [{ n: 7 }], "within the session");
  });
  const outside = await withClient({}, (client) => codeOf(client, "SELECT n FROM clients_temporary"));
  equal(outside, "60 UNKNOWN_TABLE", "outside of the session");
  return "session_id";
}

async function wrongPassword(): Promise<string> {
  const said = await withClient({ password: "not it" }, (client) => codeOf(client, "SELECT 1"));
  equal(said, "516 AUTHENTICATION_FAILED", "code");
  return said;
}

async function codeOf(client: ClickHouseClient, query: string): Promise<string> {
  try {
    await rowsOf(client, query);
    return "no error";
  } catch (error) {
    if (error instanceof ClickHouseError) return `${error.code} ${error.type ?? ""}`;
    throw error;
  }
}

async function rowsOf<Row>(client: ClickHouseClient, query: string, query_params = {}): Promise<readonly Row[]> {
  return (await client.query({ query, query_params, format: "JSONEachRow" })).json<Row>();
}

async function withClient<T>(overrides: Overrides, work: (client: ClickHouseClient) => Promise<T>): Promise<T> {
  const client = createClient({ ...connection, ...overrides });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function cell(name: string, work: () => Promise<string>): Promise<void> {
  await work().then(
    (detail) => print(name, true, detail),
    (error: unknown) => print(name, false, (error instanceof Error ? error.message : String(error)).slice(0, 300)),
  );
}

function print(name: string, ok: boolean | null, detail: string): void {
  process.stdout.write(`${JSON.stringify({ client: CLIENT, cell: name, ok, detail })}\n`);
}

function versionOfClient(): string {
  const about = join(import.meta.dirname, "../../node_modules/@clickhouse/client/package.json");
  return (JSON.parse(readFileSync(about, "utf8")) as { readonly version: string }).version;
}

function equal(got: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: got ${left.slice(0, 120)}, wanted ${right.slice(0, 120)}`);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
