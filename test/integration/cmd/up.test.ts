import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";
import {
  connectTo,
  endOf,
  instanceIn,
  newInstanceIn,
  runMeterline,
  startUp,
  until,
  type Instance,
  type Up,
} from "../../support/meterline-process.ts";

const CATALOG = "docs/examples/catalog";
const COUNTED_DEADLINE_MS = 60_000;
const VISIBLE_MS = 10_000;

let dir: TempDir;
let ups: Up[] = [];

beforeEach(async () => {
  dir = await tempDir("up");
});

afterEach(async () => {
  for (const up of ups.splice(0)) {
    up.signal("SIGTERM");
    await endOf(up);
  }
  await dir.remove();
});

async function upIn(instance: Instance): Promise<Up> {
  const up = await startUp(instance);
  ups.push(up);
  return up;
}

function forget(up: Up): void {
  ups = ups.filter((other) => other !== up);
}

function event(id: string): string {
  const data = { model: "small-1", region: "eu-west-1", inputTokens: 2, outputTokens: 3 };
  return JSON.stringify({ specversion: "1.0", id, source: "plain", type: "llm.completion", subject: "acme", data });
}

async function publishOne(up: Up, id: string): Promise<void> {
  const { nats, close } = await connectTo(up);
  await nats.js.publish("usage.plain.acme", event(id), { msgID: `plain/${id}` });
  await close();
}

/** Requests of acme that finance sees, as text; undefined before there are any. */
async function requests(up: Up): Promise<string | undefined> {
  const { clickhouse, close } = await connectTo(up);
  const rows = await clickhouse
    .rows<{ quantity: string }>({
      sql: "SELECT toString(sum(quantity)) AS quantity FROM finance.usage WHERE customer = 'acme' AND meter = 'requests' HAVING count() > 0",
      doing: "reading finance.usage",
    })
    .catch(() => []);
  await close();
  return rows[0]?.quantity;
}

async function untilRequests(up: Up, wanted: number): Promise<void> {
  await until(`${String(wanted)} requests are counted`, COUNTED_DEADLINE_MS, async () =>
    (await requests(up)) === String(wanted) ? true : undefined,
  );
}

async function apply(instance: Instance): Promise<void> {
  const applied = await runMeterline(instance, ["apply", CATALOG, "--yes"]);
  expect(applied.stderr + applied.stdout).toContain("Applied");
  expect(applied.code).toBe(0);
}

describe("up", () => {
  // Guarantee: what any NATS client publishes can be queried within two seconds; a drained and a fresh `up` are one history.
  test("counts what a plain client publishes, drains on SIGINT and goes on", async () => {
    const instance = await newInstanceIn(dir.path);
    const first = await upIn(instance);
    await apply(instance);
    await publishOne(first, "a");
    await untilRequests(first, 1);
    const startedMs = performance.now();
    await publishOne(first, "b");
    await untilRequests(first, 2);
    expect(performance.now() - startedMs).toBeLessThan(VISIBLE_MS);

    first.signal("SIGINT");
    const ended = await endOf(first);
    forget(first);
    expect(ended.stderr).toContain("Drained");
    expect(ended.code).toBe(0);

    const second = await upIn(instance);
    await publishOne(second, "b");
    await publishOne(second, "c");
    await untilRequests(second, 3);
    const verified = await runMeterline(instance, ["verify"]);
    expect(verified.stdout).toContain("All sound");
    expect(verified.code).toBe(0);
  });

  // Guarantee: `kill -9` of any of the three processes loses nothing and counts nothing twice.
  test("goes on exactly after kill -9 of nats-server, of ClickHouse and of itself", async () => {
    const instance = await instanceIn(dir.path);
    let up = await upIn(instance);
    await apply(instance);
    await publishOne(up, "a");

    process.kill(up.children().nats, "SIGKILL");
    await until("NATS answers again", COUNTED_DEADLINE_MS, () =>
      publishOne(up, "b").then(
        () => true,
        () => undefined,
      ),
    );
    process.kill(up.children().clickhouse, "SIGKILL");
    await publishOne(up, "c");
    await untilRequests(up, 3);

    await publishOne(up, "d");
    up.signal("SIGKILL");
    await endOf(up);
    forget(up);
    up = await upIn(instance);
    await publishOne(up, "d");
    await publishOne(up, "e");
    await untilRequests(up, 5);
    const verified = await runMeterline(instance, ["verify"]);
    expect(verified.stdout).toContain("All sound");
    expect(verified.code).toBe(0);
  });

  // Guarantee: homes and ports are all that two instances have to differ in.
  test("runs beside another instance without meeting it", async () => {
    const [one, two] = [await instanceIn(`${dir.path}/one`), await instanceIn(`${dir.path}/two`)];
    const [first, second] = [await upIn(one), await upIn(two)];
    await apply(one);
    await apply(two);
    await publishOne(first, "a");
    await publishOne(second, "a");
    await publishOne(second, "b");
    await untilRequests(second, 2);
    await untilRequests(first, 1);
  });

  // Guarantee: what a person has to change is named, with the setting, and the exit code says "settings".
  test("refuses a busy port and a home in use by name", async () => {
    const home = `${dir.path}/demo`;
    const instance = await instanceIn(home);
    const up = await upIn(instance);
    const other = await newInstanceIn(`${dir.path}/other`);
    const natsPort = await runMeterline(
      { env: { ...other.env, METERLINE_NATS_PORT: instance.env["METERLINE_NATS_PORT"] ?? "" } },
      ["up"],
    );
    expect(natsPort.stderr).toContain("METERLINE_NATS_PORT");
    expect(natsPort.code).toBe(78);
    const clickhousePort = await runMeterline(
      { env: { ...other.env, METERLINE_CLICKHOUSE_PORT: instance.env["METERLINE_CLICKHOUSE_PORT"] ?? "" } },
      ["up"],
    );
    expect(clickhousePort.stderr).toContain("METERLINE_CLICKHOUSE_PORT");
    expect(clickhousePort.code).toBe(78);
    const sameHome = await runMeterline({ env: { ...other.env, METERLINE_HOME: home } }, ["up"]);
    expect(sameHome.stderr).toContain("METERLINE_HOME");
    expect(sameHome.code).toBe(78);
    // The demo would empty this home, which is the one that its last lines tell people to start.
    const demo = await runMeterline({ env: { ...other.env, METERLINE_HOME: dir.path } }, ["demo"]);
    expect(demo.stderr).toMatch(
      new RegExp(
        `${home} is in use by process ${String(up.pid)}\\. Stop that instance.*METERLINE_HOME.*DIRECTORY_IN_USE`,
      ),
    );
    expect(demo.code).toBe(78);
    await publishOne(up, "a");
    expect(existsSync(`${home}/addresses.json`)).toBe(true);
  });

  // Guarantee: a command without a running instance says how to start one.
  test("is named where nothing runs", async () => {
    const instance = await newInstanceIn(dir.path);
    const rated = await runMeterline(instance, ["rate", "--period", "2026-10"]);
    expect(rated.stderr).toContain("bin/meterline up");
    expect(rated.code).toBe(69);
  });
});
