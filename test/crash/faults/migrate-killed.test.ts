/** `migrate` that is killed again and again, a little later each time, then run to its end: the schema is the one that an undisturbed `migrate` makes. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse } from "../../../src/clickhouse/connect.ts";
import { endOf, runMeterline, startMeterline, until } from "../../support/meterline-process.ts";
import { startTestServers, type TestServers } from "../../support/servers.ts";

const APPLYING_MS = 20_000;
/** Each time it dies a little later. */
const LATER_MS = 7;
const KILLS_MAX = 40;
const KILLS_MIN = 4;

let killed: TestServers;
let calm: TestServers;

beforeAll(async () => {
  killed = await startTestServers({ schema: false });
  calm = await startTestServers({ schema: false });
});

afterAll(async () => {
  await killed?.stop();
  await calm?.stop();
});

function instance({ home, natsUrl, clickhouseUrl }: TestServers) {
  return { env: { METERLINE_HOME: home, METERLINE_NATS_URL: natsUrl, METERLINE_CLICKHOUSE_URL: clickhouseUrl } };
}

/** Tables, views and functions as the server would make them again, and what was recorded. */
async function schemaOf({ clickhouseUrl }: TestServers): Promise<readonly unknown[]> {
  const clickhouse = connectClickHouse({ url: clickhouseUrl, user: "default", password: "" });
  try {
    return await clickhouse.rows({
      sql: `SELECT * FROM (SELECT concat(database, '.', name) AS what, create_table_query AS made FROM system.tables WHERE database IN ('meterline', 'finance')
        UNION ALL SELECT name, create_query FROM system.functions WHERE origin = 'SQLUserDefined'
        UNION ALL SELECT concat('migration ', name), checksum FROM meterline.schema_migrations FINAL) ORDER BY what`,
      doing: "reading the schema",
    });
  } finally {
    await clickhouse.close();
  }
}

// Guarantee: a deployment that dies in the middle of a schema change is repaired by deploying again.
test("a killed migration runs again", { timeout: 120_000 }, async () => {
  let kills = 0;
  for (; kills < KILLS_MAX; kills += 1) {
    const migrating = startMeterline(instance(killed), ["migrate"]);
    let over = false;
    void migrating.ended.then(() => (over = true));
    await until(
      "the first migration begins",
      APPLYING_MS,
      () => over || /applying/.test(migrating.stderr()) || undefined,
    );
    await delay(kills * LATER_MS);
    migrating.signal("SIGKILL");
    if ((await endOf(migrating)).code === 0) break;
  }
  expect(kills).toBeGreaterThan(KILLS_MIN);
  for (const servers of [killed, calm]) {
    const ended = await runMeterline(instance(servers), ["migrate"]);
    expect(ended.code, ended.stderr).toBe(0);
  }
  expect(await schemaOf(killed)).toEqual(await schemaOf(calm));
});
