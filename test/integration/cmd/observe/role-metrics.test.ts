import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { startClickHouseServer } from "../../../../src/embedded/clickhouse-server.ts";
import { connectNats } from "../../../../src/stream/connect.ts";
import { startNatsServer } from "../../../../src/embedded/nats-server.ts";
import { freePort } from "../../../support/free-port.ts";
import { runMeterline, startMeterline, until } from "../../../support/meterline-process.ts";
import { copySchemaInto } from "../../../support/schema-home.ts";
import { readiness, scrape } from "../../../support/scrape.ts";
import { tempDir } from "../../../support/temp-dir.ts";

const HOST = "127.0.0.1";
const DEADLINE_MS = 60_000;
const LEASE_MS = "1000";

type Env = Readonly<Record<string, string>>;
type Role = { readonly httpUrl: string; readonly kill: (signal: NodeJS.Signals) => Promise<unknown> };

const undo: (() => Promise<unknown>)[] = [];
let env: Env;
let natsUrl: string;
let clickhouse: { readonly stop: () => Promise<void> };
let startClickHouse: () => Promise<{ readonly stop: () => Promise<void> }>;

/** Servers as an operator has them, and the roles as processes that only know their addresses. */
beforeEach(async () => {
  const dir = await tempDir("roles");
  undo.push(() => dir.remove());
  const nats = await startNatsServer({ home: dir.path, port: await freePort(), shards: 1, storeBytes: 1024 ** 3 });
  undo.push(() => nats.stop());
  natsUrl = nats.url;
  await copySchemaInto(dir.path);
  const port = await freePort();
  startClickHouse = () => startClickHouseServer({ home: dir.path, host: HOST, port, password: "" });
  clickhouse = await startClickHouse();
  undo.push(() => clickhouse.stop());
  env = {
    METERLINE_HOME: `${dir.path}/roles`,
    METERLINE_NATS_URL: nats.url,
    METERLINE_CLICKHOUSE_URL: `http://${HOST}:${String(port)}`,
    METERLINE_LEASE_MS: LEASE_MS,
    METERLINE_LOG_LEVEL: "warn",
    METERLINE_USAGE_STREAM_BYTES: String(256 * 1024 ** 2),
    METERLINE_JOURNAL_STREAM_BYTES: String(64 * 1024 ** 2),
  };
  expect((await runMeterline({ env }, ["migrate"])).code).toBe(0);
});

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function startRole(name: "sink" | "biller", more: Env = {}): Promise<Role> {
  const port = await freePort();
  const role = startMeterline({ env: { ...env, METERLINE_HTTP_PORT: String(port), ...more } }, [name]);
  const kill = async (signal: NodeJS.Signals): Promise<unknown> => {
    role.signal(signal);
    return role.ended;
  };
  undo.push(() => kill("SIGTERM"));
  const httpUrl = `http://${HOST}:${String(port)}`;
  await until(`the ${name} answers (${role.stderr()})`, DEADLINE_MS, () =>
    fetch(`${httpUrl}/health/live`).then(
      ({ status }) => (status === 200 ? true : undefined),
      () => undefined,
    ),
  );
  return { httpUrl, kill };
}

async function untilReady(role: Role, shards: RegExp): Promise<void> {
  await until(`the role is ready with shards ${String(shards)}`, DEADLINE_MS, async () => {
    const { status, checks } = await readiness(role.httpUrl);
    return status === 200 && shards.test(checks["shards"]?.message ?? "") ? true : undefined;
  });
}

async function publish(bodies: readonly string[]): Promise<void> {
  const nats = await connectNats({ url: natsUrl, name: "test" });
  for (const body of bodies) await nats.js.publish("usage.plain.any", body);
  await nats.close();
}

describe("sinks", () => {
  // Guarantee: over all processes each shard has one writer, and the one that stands by says so and counts nothing.
  test("show who writes, who stands by, and who took over", async () => {
    const first = await startRole("sink");
    await untilReady(first, /^0 held/);
    const second = await startRole("sink");
    await untilReady(second, /^0 standing by$/);
    await publish(["no json", "no json either"]);
    await until("both are stored", DEADLINE_MS, async () =>
      (await scrape(first.httpUrl))("meterline_sink_events_total", { verdict: "rejected" }) === 2 ? true : undefined,
    );
    const standby = await scrape(second.httpUrl);
    expect(standby("meterline_sink_shard_held")).toBe(0);
    expect(standby("meterline_sink_epoch")).toBeUndefined();
    expect(standby("meterline_sink_events_total", { verdict: "rejected" })).toBe(0);
    expect(standby("meterline_stored_events_total", { verdict: "rejected" })).toBe(2);

    await first.kill("SIGKILL");
    await untilReady(second, /^0 held/);
    const writer = await scrape(second.httpUrl);
    expect(writer("meterline_sink_shard_held")).toBe(1);
    expect(writer("meterline_sink_epoch")).toBe(2);
    expect(writer("meterline_sink_lag_messages")).toBe(0);
  });

  // Guarantee: a sink that died and was started again under its name goes on at once; the deadline here is a tenth of its lease.
  test("go on under their name without waiting for the lease of a dead predecessor", async () => {
    const named = { METERLINE_SINK_INSTANCE: "sink-0", METERLINE_LEASE_MS: "600000" };
    const first = await startRole("sink", named);
    await untilReady(first, /^0 held/);
    await first.kill("SIGKILL");
    const again = await startRole("sink", named);
    await untilReady(again, /^0 held/);
    expect((await scrape(again.httpUrl))("meterline_sink_epoch")).toBe(2);
  });

  // Guarantee: an outage is one, whatever it costs in retries, and its messages are counted once.
  test("count an outage of ClickHouse and its retries", async () => {
    const sink = await startRole("sink");
    await untilReady(sink, /^0 held/);
    await clickhouse.stop();
    await publish(["no json"]);
    await until("a few retries", DEADLINE_MS, async () => {
      const retries = (await scrape(sink.httpUrl))("meterline_sink_retries_total", { operation: "insert" });
      return (retries ?? 0) >= 3 ? true : undefined;
    });
    const during = await scrape(sink.httpUrl);
    expect(during("meterline_sink_outages_total", { service: "clickhouse" })).toBe(1);
    expect(during("meterline_service_up", { service: "clickhouse" })).toBe(0);
    expect(during("meterline_sink_lag_messages")).toBe(1);
    expect(during("meterline_sink_events_total", { verdict: "rejected" })).toBe(0);

    clickhouse = await startClickHouse();
    await until("the lag is gone", DEADLINE_MS, async () =>
      (await scrape(sink.httpUrl))("meterline_sink_lag_messages") === 0 ? true : undefined,
    );
    const after = await scrape(sink.httpUrl);
    expect(after("meterline_sink_events_total", { verdict: "rejected" })).toBe(1);
    expect(after("meterline_sink_received_messages_total")).toBe(1);
    expect(after("meterline_sink_outages_total", { service: "clickhouse" })).toBe(1);
    expect(after("meterline_sink_outages_total", { service: "nats" })).toBe(0);
  });
});

describe("a biller", () => {
  test("shows its looks, the journal and the servers, and no shards", async () => {
    const sink = await startRole("sink");
    await untilReady(sink, /^0 held/);
    const biller = await startRole("biller");
    const found = await until("it has looked", DEADLINE_MS, async () => {
      const seen = await scrape(biller.httpUrl);
      return seen("meterline_biller_looks_total") === 1 ? seen : undefined;
    });
    expect(found("meterline_biller_months_total", { outcome: "failed" })).toBe(0);
    expect(found("meterline_journal_head_sequence")).toBe(0);
    expect(found("meterline_service_up", { service: "nats" })).toBe(1);
    expect(found("meterline_sink_shard_held")).toBeUndefined();
    const { status, checks } = await readiness(biller.httpUrl);
    expect([status, Object.keys(checks).sort()]).toEqual([200, ["clickhouse", "nats", "schema"]]);
  });
});

describe("the port", () => {
  test("is refused by name where it is taken, and not needed for one look", async () => {
    const sink = await startRole("sink");
    await untilReady(sink, /^0 held/);
    const port = new URL(sink.httpUrl).port;
    const refused = await runMeterline({ env: { ...env, METERLINE_HTTP_PORT: port } }, ["biller"]);
    expect(refused.stderr).toContain("METERLINE_HTTP_PORT");
    expect(refused.code).toBe(78);
    // One look needs no port.
    const once = await runMeterline({ env: { ...env, METERLINE_HTTP_PORT: port } }, ["biller", "--once"]);
    expect([once.code, once.stderr]).toEqual([0, ""]);
  });

  test("says that it waits while the servers are away, and is alive all the same", async () => {
    await clickhouse.stop();
    const sink = await startRole("sink");
    const waiting = await readiness(sink.httpUrl);
    expect(waiting).toMatchObject({ status: 503, checks: { servers: { ok: false } } });
    clickhouse = await startClickHouse();
    await untilReady(sink, /^0 held/);
  });
});

describe("a collector", () => {
  // Guarantee: what OpenTelemetry's own variables ask for is done: the same metrics, pushed.
  test("gets the metrics where the environment names one", async () => {
    const pushed: string[] = [];
    const collector = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        pushed.push(`${String(request.url)} ${body}`);
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
    collector.listen(0, HOST);
    await once(collector, "listening");
    undo.push(async () => {
      collector.close();
      await once(collector, "close");
    });
    const { port } = collector.address() as AddressInfo;
    const endpoint = `http://${HOST}:${String(port)}`;
    const pushing = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_METRIC_EXPORT_INTERVAL: "200" };
    await untilReady(await startRole("sink", pushing), /^0 held/);
    await publish(["no json"]);
    const push = await until("a push holds the rejected event", DEADLINE_MS, () =>
      pushed.find((text) => metricIn(text, "meterline_sink_batches").some((value) => value === 1)),
    );
    expect(push).toMatch(/^\/v1\/metrics /);
    expect(push).toContain('{"stringValue":"meterline"}');
    expect(metricIn(push, "meterline_sink_shard_held")).toEqual([1]);
  });
});

type Pushed = {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string;
        readonly sum?: Points;
        readonly gauge?: Points;
      }[];
    }[];
  }[];
};
type Points = { readonly dataPoints: readonly { readonly asDouble?: number; readonly asInt?: number }[] };

/** The values of a metric in a pushed document. */
function metricIn(pushed: string, name: string): readonly (number | undefined)[] {
  const document = JSON.parse(pushed.slice(pushed.indexOf(" ") + 1)) as Pushed;
  return document.resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .filter((metric) => metric.name === name)
    .flatMap(({ sum, gauge }) => (sum ?? gauge)?.dataPoints ?? [])
    .map(({ asDouble, asInt }) => asDouble ?? asInt);
}
