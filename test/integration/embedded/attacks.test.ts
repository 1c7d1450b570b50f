/** What clients try and must not get: files, other servers, programs, other users' rights and data. Nothing happens but the refusal. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { ask, type HttpAnswer } from "../../support/clickhouse-http.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { attempts, honest, type Attempt, type Places } from "./attack-attempts.ts";

const CANARY = "canary-9f31c7";

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;
let trap: Server;
let trapped = 0;
let places: Places;

beforeAll(async () => {
  home = await tempDir("clickhouse-attacks");
  mkdirSync(join(home.path, "outside"));
  const canaryFile = join(home.path, "outside", "canary.csv");
  writeFileSync(canaryFile, `${CANARY},1\n`);
  trap = createServer((_, response) => {
    trapped += 1;
    response.end(`${CANARY},1\n`);
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  server = await startClickHouseServer({
    home: home.path,
    host: "127.0.0.1",
    port: await freePort(),
    password: "owner",
    passwords: { admin: "admin", sink: "sink", finance: "finance" },
  });
  const { port } = trap.address() as AddressInfo;
  places = {
    canaryFile,
    outside: join(home.path, "outside"),
    server: join(home.path, "clickhouse"),
    trapUrl: `http://127.0.0.1:${port}/canary.csv`,
    trapPort: port,
  };
  for (const statement of [
    "CREATE DATABASE meterline",
    "CREATE DATABASE finance",
    "CREATE TABLE meterline.secret (a String) ENGINE = MergeTree ORDER BY a",
    `INSERT INTO meterline.secret VALUES ('${CANARY}')`,
    "CREATE TABLE meterline.counts (a UInt8) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO meterline.counts VALUES (7)",
    "CREATE TABLE meterline.joined (k UInt8, a String) ENGINE = Join(ANY, LEFT, k)",
    `INSERT INTO meterline.joined VALUES (1, '${CANARY}')`,
    "CREATE VIEW finance.total DEFINER = default SQL SECURITY DEFINER AS SELECT sum(a) AS total FROM meterline.counts",
    "CREATE TABLE default.rows (file String, n UInt64, d Decimal(20, 6), t DateTime) ENGINE = MergeTree ORDER BY n",
    `CREATE DICTIONARY default.elsewhere (n UInt64, file String) PRIMARY KEY n SOURCE(CLICKHOUSE(TABLE 'rows')) LAYOUT(SSD_CACHE(PATH '${places.outside}/written' BLOCK_SIZE 4096)) LIFETIME(1)`,
    "SELECT a FROM meterline.secret SETTINGS use_query_cache = 1, query_cache_share_between_users = 1 FORMAT Null",
  ])
    expect((await as("admin", { body: statement })).text).toBe("");
});

afterAll(async () => {
  await server.stop();
  await new Promise((resolve) => trap.close(resolve));
  await home.remove();
});

function as(
  user: Attempt["user"],
  { body, parameters = {}, headers = {}, method = "POST" }: Omit<Attempt, "name" | "user" | "code">,
): Promise<HttpAnswer> {
  const login = user === "nobody" ? {} : { "x-clickhouse-user": user, "x-clickhouse-key": user };
  return ask({ url: server.url, method, body, parameters, headers: { ...login, ...headers } });
}

/** What no attempt may change. */
async function state(): Promise<unknown> {
  const query =
    "SELECT (SELECT groupArray(a) FROM meterline.counts), (SELECT count() FROM meterline.secret), (SELECT count() FROM system.tables WHERE database IN ('meterline', 'finance'))";
  const counted = (await as("admin", { body: query })).text;
  const backups = readdirSync(join(places.server, "backups")).filter((name) => name !== "mine");
  return { counted, outside: readdirSync(places.outside), home: readdirSync(home.path).sort(), backups, trapped };
}

describe("is refused, and nothing happens", () => {
  const all = attempts();

  test("there are enough of them, each with a name of its own", () => {
    expect(new Set(all.map(({ user, name }) => `${user}: ${name}`)).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(80);
  });

  test.each(all.map((attempt) => [`${attempt.user}: ${attempt.name}`, attempt] as const))("%s", async (_, attempt) => {
    const before = await state();
    const filled = fill(attempt);
    const answer = await as(attempt.user, filled);
    expect({ code: answer.headers["x-clickhouse-exception-code"], text: answer.text.slice(0, 300) }).toMatchObject({
      code: String(attempt.code),
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.text).not.toContain(CANARY);
    expect(await state()).toEqual(before);
    expect(existsSync(join(places.outside, "written"))).toBe(false);
  });
});

describe("is answered, because it is honest", () => {
  const all = honest();

  test("there are enough of them", () => {
    expect(all.length).toBeGreaterThanOrEqual(30);
  });

  test.each(all.map((statement) => [`${statement.user}: ${statement.name}`, statement] as const))(
    "%s",
    async (_, statement) => {
      const answer = await as(statement.user, fill(statement));
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
      if (statement.answer !== undefined) expect(answer.text).toBe(statement.answer);
    },
  );
});

test("nobody gets into another user's session", async () => {
  const parameters = { session_id: "shared" };
  await as("admin", { body: "CREATE TEMPORARY TABLE mine AS SELECT * FROM meterline.secret", parameters });
  expect((await as("admin", { body: "SELECT count() FROM mine", parameters })).text).toBe("1\n");
  const answer = await as("finance", { body: "SELECT * FROM mine", parameters });
  expect([answer.status, answer.text.includes(CANARY)]).toEqual([404, false]);
});

test("nobody sees or ends another user's queries", async () => {
  const parameters = {
    query_id: "of-admin",
    max_block_size: "1",
    function_sleep_max_microseconds_per_block: "0",
    max_execution_time: "3",
  };
  const running = as("admin", { body: "SELECT sleepEachRow(0.2) FROM numbers(100)", parameters });
  await delay(500);
  const looking = "SELECT count() FROM system.processes WHERE query_id = 'of-admin'";
  expect((await as("admin", { body: looking })).text).toBe("1\n");
  expect((await as("finance", { body: looking })).text).toBe("0\n");
  expect((await as("finance", { body: "KILL QUERY WHERE query_id = 'of-admin' SYNC" })).text).not.toContain("of-admin");
  expect((await as("admin", { body: looking })).text).toBe("1\n");
  await running;
});

/** A form, as the user finance. */
async function sendForm(parameters: Readonly<Record<string, string>>, fields: Readonly<Record<string, string | Blob>>) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const headers = { "x-clickhouse-user": "finance", "x-clickhouse-key": "finance" };
  const query = new URLSearchParams(parameters).toString();
  return (await fetch(`${server.url}/?${query}`, { method: "POST", headers, body: form })).text();
}

// Guarantee: rows that come as a table of the request are values and nothing more.
test.each([{}, { input_format_values_interpret_expressions: "1" }])(
  "a table of the request evaluates no expressions, asked for by %o",
  async (settings) => {
    const parameters = { query: "SELECT * FROM t", t_structure: "a String", t_format: "Values", ...settings };
    const text = await sendForm(parameters, { t: new Blob([`(file('${places.canaryFile}'))\n`]) });
    expect(text).toMatch(/^Code: 344\./);
  },
);

// Guarantee: the server makes such a table, but what its structure calls is called with the client's rights.
test.each([
  ["a table", 497, "toUInt8(joinGet('meterline.joined', 'a', 1))"],
  ["a file", 497, "toUInt8(file('$CANARY'))"],
  ["a file as a lambda", 497, "toUInt8(arrayMap(file, ['$CANARY'])[1])"],
  ["more than a column", 497, "1) ENGINE = File(CSV, '$CANARY') --"],
])("the structure of a table of the request reaches no further than its user: %s", async (_, code, call) => {
  const { body: structure } = fill({ body: `a UInt8, b UInt8 DEFAULT ${call}` });
  const parameters = { query: "SELECT * FROM t", t_structure: structure, t_format: "JSONEachRow" };
  const text = await sendForm(parameters, { t: new Blob(['{"a":1}\n']) });
  expect(text.slice(0, 10)).toBe(`Code: ${code}.`);
  expect(text).not.toContain(CANARY);
  const inserted = {
    body: `INSERT INTO default.rows (n) SELECT b FROM input($x$${structure}$x$) FORMAT JSONEachRow {"a":1}`,
  };
  expect((await as("finance", inserted)).text.slice(0, 10)).toBe(`Code: ${code}.`);
});

test("fields of a form are no login and no second statement", async () => {
  const fields = { user: "admin", password: "admin" };
  expect(await sendForm({ query: "SELECT currentRoles()" }, fields)).toMatch(/^Code: 516\./);
  const second = await sendForm({ query: "SELECT 1" }, { query: "; DROP TABLE meterline.counts" });
  expect(second).toMatch(/^Code: 62\./);
});

type AskedTwice = readonly [
  name: string,
  user: Attempt["user"],
  body: string,
  first: string,
  answer: string,
  then: string,
];

const ASKED_TWICE: readonly AskedTwice[] = [
  [
    "the rows of a format",
    "admin",
    "SELECT * FROM format(Values, 'a String', {p:String})",
    "('x')",
    "x",
    "(file('$CANARY'))",
  ],
  [
    "a structure",
    "admin",
    'SELECT * FROM format(JSONEachRow, {p:String}, \'{"a":"x"}\')',
    "a String",
    "x",
    "a String, b String DEFAULT file('$CANARY')",
  ],
  [
    "rows of values()",
    "admin",
    "SELECT * FROM values({p:String}, ('x', 'y'))",
    "a String, b String",
    "x\ty",
    "a String, b String, c String DEFAULT file('$CANARY')",
  ],
  [
    "a format's name",
    "admin",
    "SELECT * FROM format({p:Identifier}, 'a String', $$(file('$CANARY'))$$)",
    "TSV",
    "(file(\\'$CANARY\\'))",
    "Values",
  ],
  [
    "the rows of an insert",
    "admin",
    "INSERT INTO default.format (a) SELECT a FROM format(JSONEachRow, {p:String}, '{}')",
    "a String",
    "",
    "a String DEFAULT file('$CANARY')",
  ],
];

// Guarantee: what is remembered of statements does not grow with the values of their parameters.
test("a long value in many places, under many texts, leaves the server as it is", async () => {
  const places = Array.from({ length: 400 }, () => "{p:String}").join(",");
  for (let number = 0; number < 20; number += 1) {
    const asked = { body: `SELECT ${number}, length(concat(${places}))`, parameters: { param_p: "x".repeat(10_000) } };
    expect((await as("finance", asked)).text).toBe(`${number}\t4000000\n`);
  }
});

// Guarantee: a statement that was harmless with its first parameters is looked at again with others.
test.each(ASKED_TWICE.map((asked) => [asked[0], asked] as const))(
  "%s by a parameter, after it was something else",
  async (_, [, user, body, first, expected, then]) => {
    await as("admin", { body: "CREATE TABLE IF NOT EXISTS default.format (a String) ENGINE = MergeTree ORDER BY a" });
    const asking = (param_p: string): Promise<HttpAnswer> => as(user, fill({ body, parameters: { param_p } }));
    for (let time = 0; time < 2; time += 1) {
      const { status, text } = await asking(first);
      expect([status, text.trimEnd()]).toEqual([200, fill({ body: expected }).body]);
    }
    const { text } = await asking(then);
    expect(text).toMatch(/^Code: 497\./);
    expect(text).not.toContain(CANARY);
    expect((await as("admin", { body: "SELECT * FROM default.format" })).text).not.toContain(CANARY);
  },
);

// Guarantee: a format's name is nothing but a name: behind a semicolon, `SET ROLE ALL` would give a session every right there is.
test.each([
  ["by its parameter", "SELECT 1", { default_format: "TSV;SET ROLE ALL" }],
  ["by its quoted name", "SELECT 1 FORMAT `TSV;SET ROLE ALL`", {}],
])("no second statement gets in behind the name of a format, %s", async (name, body, parameters) => {
  const session = { session_id: `format ${name}` };
  const answer = await as("finance", { body, parameters: { ...parameters, ...session } });
  expect(answer.text).toMatch(/^Code: 73\./);
  const then = await as("finance", { body: "SELECT * FROM meterline.secret", parameters: session });
  expect(then.text).toMatch(/^Code: 497\..*finance: Not enough privileges/);
});

// Guarantee: the condition of KILL QUERY reads with the rights of its client: its answer would tell what is true of a table.
test("the condition of KILL QUERY tells nothing of tables that its user may not read", async () => {
  const parameters = {
    query_id: "own",
    max_block_size: "1",
    function_sleep_max_microseconds_per_block: "0",
    max_execution_time: "10",
  };
  const running = as("finance", { body: "SELECT sleepEachRow(0.2) FROM numbers(100)", parameters });
  const looking = { body: "SELECT count() FROM system.processes WHERE query_id = 'own'" };
  await expect.poll(async () => (await as("finance", looking)).text).toBe("1\n");
  for (const condition of [
    "(SELECT count() FROM meterline.secret) = 1",
    "query_id = 'own' AND toUInt8((SELECT any(a) FROM meterline.secret)) = 1",
    "query_id IN (SELECT a FROM meterline.secret)",
  ]) {
    const answer = await as("finance", { body: `KILL QUERY WHERE ${condition} ASYNC` });
    expect(answer.text).toMatch(/^Code: 497\..*finance: Not enough privileges/);
    expect(answer.text).not.toContain(CANARY);
  }
  expect((await as("finance", looking)).text).toBe("1\n");
  const ended = await as("finance", {
    body: "KILL QUERY WHERE query_id = {id: String} SYNC",
    parameters: { param_id: "own" },
  });
  expect(ended.text).toContain("own");
  expect((await running).text).toContain("QUERY_WAS_CANCELLED");
});

test.each([
  ["brackets 100,000 deep", `SELECT ${"(".repeat(100_000)}1${")".repeat(100_000)}`],
  ["100,000 operators in a row", `SELECT ${"-".repeat(1)}${"1-".repeat(100_000)}1`],
  ["arrays 10,000 deep", `SELECT ${"[".repeat(10_000)}${"]".repeat(10_000)}`],
  ["a statement of 10 MB", `SELECT '${"x".repeat(10_000_000)}' AS x FORMAT Null`],
])("%s do not end the server", async (_, body) => {
  await as("finance", { body });
  expect((await as("admin", { body: "SELECT 1" })).text).toBe("1\n");
});

test("a statement is as long as on a server, and as a request asks for, within bounds", async () => {
  const ids = Array.from({ length: 45_000 }, (_, id) => id).join();
  const body = `SELECT count() FROM numbers(10) WHERE number IN (${ids})`;
  expect((await as("finance", { body })).text).toBe("10\n");
  const longer = `SELECT length('${"x".repeat(300_000)}')`;
  expect((await as("finance", { body: longer })).text).toMatch(/^Code: 62\..*Max query size exceeded/);
  expect((await as("finance", { body: longer, parameters: { max_query_size: "1000000" } })).text).toBe("300000\n");
  const longest = `SELECT length('${"x".repeat(5_000_000)}')`;
  const parameters = { max_query_size: "0" };
  expect((await as("finance", { body: longest, parameters })).text).toMatch(/^Code: 62\..*Max query size exceeded/);
  expect((await as("admin", { body: longest, parameters })).text).toBe("5000000\n");
});

// Guarantee: statements that take seconds to parse hold up neither the sink nor other users.
test("the sink and others are answered while finance has its statements parsed", async () => {
  const body = `SELECT ${"1,".repeat(200_000)}1`;
  let parsed = 0;
  const heavy = Array.from({ length: 4 }, async () => {
    const answer = await as("finance", { body, parameters: { max_query_size: "1000000" } });
    expect(answer.text).toMatch(/^Code: 168\./);
    parsed += 1;
  });
  await delay(300);
  expect((await as("sink", { body: "SELECT count() + 35 FROM meterline.counts" })).text).toBe("36\n");
  expect((await as("admin", { body: "SELECT 4 * 9" })).text).toBe("36\n");
  expect(parsed).toBeLessThan(4);
  await Promise.all(heavy);
});

/** Places are known when the server runs. */
function fill<T extends { readonly body: string; readonly parameters?: Readonly<Record<string, string>> }>(from: T): T {
  const filled = (text: string): string =>
    text
      .replaceAll("$CANARY", places.canaryFile)
      .replaceAll("$OUTSIDE", places.outside)
      .replaceAll("$SERVER", places.server)
      .replaceAll("$TRAPPORT", String(places.trapPort))
      .replaceAll("$TRAP", places.trapUrl);
  const parameters = Object.entries(from.parameters ?? {}).map(([name, value]) => [name, filled(value)] as const);
  return { ...from, body: filled(from.body), parameters: Object.fromEntries(parameters) };
}
