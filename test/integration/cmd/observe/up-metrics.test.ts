import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VERDICTS, type Verdict } from "../../../../src/domain/usage-event.ts";
import { tempDir, type TempDir } from "../../../support/temp-dir.ts";
import {
  connectTo,
  endOf,
  instanceIn,
  runMeterline,
  startUp,
  until,
  type Instance,
  type Up,
} from "../../../support/meterline-process.ts";
import { readiness, scrape, type Scrape } from "../../../support/scrape.ts";

const CATALOG = "docs/examples/catalog";
const DEADLINE_MS = 60_000;
/** `up` begins three times, with new servers each time. */
const THREE_STARTS_MS = 300_000;
/** Lags are measured in seconds, and this is more than storing ever takes here. */
const STANDSTILL_SECONDS = 2;

let dir: TempDir;
let instance: Instance;
let up: Up | undefined;

beforeEach(async () => {
  dir = await tempDir("metrics");
  instance = await instanceIn(dir.path);
});

afterEach(async () => {
  up?.signal("SIGTERM");
  if (up !== undefined) await endOf(up);
  up = undefined;
  await dir.remove();
});

type Plain = { readonly id: string; readonly tokens?: number; readonly customer?: string };

function event({ id, tokens = 3, customer = "acme" }: Plain): Readonly<Record<string, unknown>> {
  const data = { model: "small-1", region: "eu-west-1", inputTokens: 2, outputTokens: tokens };
  return { specversion: "1.0", id, source: "plain", type: "llm.completion", subject: customer, data };
}

/** As any client would, each body a message; without a message id, so that nothing is dropped on the way. */
async function publish(to: Up, bodies: readonly (string | readonly Plain[])[]): Promise<void> {
  const { nats, close } = await connectTo(to);
  for (const body of bodies) {
    const text = typeof body === "string" ? body : JSON.stringify(body.map(event));
    await nats.js.publish("usage.plain.any", text);
  }
  await close();
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<Up> {
  up = await startUp({ ...instance, env: { ...instance.env, ...env } });
  return up;
}

async function apply(): Promise<void> {
  expect((await runMeterline(instance, ["apply", CATALOG, "--yes"])).code).toBe(0);
}

/** The scrape with which `events` are stored and acknowledged: the acknowledgement follows the commit, so a scrape may fall between the two. */
async function untilStored(running: Up, events: number): Promise<Scrape> {
  return until(`${String(events)} events are stored`, DEADLINE_MS, async () => {
    const found = await scrape(running.httpUrl);
    const stored = VERDICTS.map((verdict) => found("meterline_stored_events_total", { verdict }) ?? 0);
    const settled = found("meterline_sink_lag_messages") === 0 && found("meterline_stream_unacked_messages") === 0;
    return stored.reduce((a, b) => a + b) === events && settled ? found : undefined;
  });
}

function verdictsIn(found: Scrape, name: string): Readonly<Record<Verdict, number | undefined>> {
  const byVerdict = VERDICTS.map((verdict) => [verdict, found(name, { verdict })] as const);
  return Object.fromEntries(byVerdict) as Record<Verdict, number | undefined>;
}

describe("the metrics of up", () => {
  // Guarantee: each event is counted under its verdict and reason exactly once, and the sums close.
  test("count what was published exactly, stage by stage", async () => {
    const running = await start();
    await apply();
    expect(await readiness(running.httpUrl)).toMatchObject({ status: 200, checks: { shards: { ok: true } } });

    await publish(running, [
      [{ id: "a" }, { id: "b" }, { id: "a" }],
      [{ id: "c" }],
      [{ id: "a", tokens: 4 }],
      "not json",
      [
        { id: "d", customer: "nobody" },
        { id: "e", customer: "nobody" },
      ],
    ]);
    await untilStored(running, 8);
    await publish(running, [[{ id: "c" }, { id: "f" }]]);
    const found = await untilStored(running, 10);

    const expected = { accepted: 4, duplicate: 2, conflict: 1, rejected: 3 };
    expect(verdictsIn(found, "meterline_sink_events_total")).toEqual(expected);
    expect(verdictsIn(found, "meterline_stored_events_total")).toEqual(expected);
    expect(found("meterline_sink_received_events_total")).toBe(10);
    expect(found("meterline_sink_received_messages_total")).toBe(6);
    expect(found("meterline_sink_rejected_events_total", { reason: "invalid_json" })).toBe(1);
    expect(found("meterline_sink_rejected_events_total", { reason: "unknown_customer" })).toBe(2);
    expect(found("meterline_sink_rejected_events_total", { reason: "time_invalid" })).toBe(0);

    const batches = found("meterline_sink_batches_total");
    expect(batches).toBe(found("meterline_stored_batches_total"));
    expect(found("meterline_sink_batch_events_sum")).toBe(10);
    expect(found("meterline_sink_batch_bytes_sum")).toBeGreaterThan(10 * 100);
    for (const operation of ["plan", "insert", "commit"]) {
      expect(found("meterline_sink_request_duration_seconds_count", { operation })).toBe(batches);
    }
    // The second publishing repeats what was stored before: memory alone could not know it.
    expect(found("meterline_sink_request_duration_seconds_count", { operation: "identities" })).toBeGreaterThan(0);
    expect(found("meterline_sink_identities_asked_total")).toBeGreaterThan(0);
    expect(found("meterline_journal_projected_sequence")).toBe(found("meterline_journal_head_sequence"));
    expect(found("meterline_stream_oldest_unacked_seconds")).toBe(0);
    expect(found("process_resident_memory_bytes")).toBeGreaterThan(0);
  });

  // Guarantee: what `verify` found is on the port of the role that runs, although another process found it.
  test("show what the last verification found", async () => {
    const running = await start();
    await apply();
    await publish(running, [[{ id: "a" }, { id: "b" }]]);
    const before = await untilStored(running, 2);
    expect(before("meterline_verify_last_run_timestamp_seconds")).toBeUndefined();

    expect((await runMeterline(instance, ["verify"])).code).toBe(0);
    const sound = await scrape(running.httpUrl);
    expect(sound("meterline_verify_mismatches", { check: "streams" })).toBe(0);
    expect(sound("meterline_verify_last_run_timestamp_seconds")).toBeGreaterThan(
      sound("process_start_time_seconds") ?? Number.NaN,
    );

    const { clickhouse, close } = await connectTo(running);
    await clickhouse.command({
      sql: "ALTER TABLE meterline.sink_batches UPDATE messages = messages + 1 WHERE true SETTINGS mutations_sync = 1",
      doing: "tampering",
    });
    await close();
    const verified = await runMeterline(instance, ["verify", "--json"]);
    expect(verified.code).toBe(1);
    const { discrepancies } = JSON.parse(verified.stdout) as { discrepancies: readonly { check: string }[] };
    const tampered = await scrape(running.httpUrl);
    expect(discrepancies.length).toBeGreaterThan(0);
    for (const [check, found] of Map.groupBy(discrepancies, (discrepancy) => discrepancy.check)) {
      expect(tampered("meterline_verify_mismatches", { check })).toBe(found.length);
    }
  });

  // Guarantee: an outage shows itself: the lag grows while nothing is stored, and is gone with it.
  test("lag while ClickHouse stands still, and catch up after it", async () => {
    const running = await start();
    await apply();
    await publish(running, [[{ id: "a" }]]);
    await untilStored(running, 1);

    const { clickhouse } = running.children();
    process.kill(clickhouse, "SIGSTOP");
    try {
      await publish(running, [[{ id: "b" }, { id: "c" }], [{ id: "d" }]]);
      const lagging = await until("the lag grows", DEADLINE_MS, async () => {
        const found = await scrape(running.httpUrl);
        return (found("meterline_sink_lag_seconds") ?? 0) > STANDSTILL_SECONDS ? found : undefined;
      });
      expect(lagging("meterline_sink_lag_messages")).toBe(2);
      expect(lagging("meterline_stream_unacked_messages")).toBe(2);
      expect(lagging("meterline_stream_oldest_unacked_seconds")).toBeGreaterThan(STANDSTILL_SECONDS);
      expect(lagging("meterline_service_up", { service: "clickhouse" })).toBe(0);
      expect(lagging("meterline_service_up", { service: "nats" })).toBe(1);
      // What cannot be read is absent; what this process counted itself is still there.
      expect(lagging("meterline_journal_projected_sequence")).toBeUndefined();
      expect(lagging("meterline_probe_failures_total", { probe: "stored" })).toBeGreaterThan(0);
      expect(lagging("meterline_sink_events_total", { verdict: "accepted" })).toBe(1);
      expect(await readiness(running.httpUrl)).toMatchObject({ status: 503, checks: { clickhouse: { ok: false } } });
    } finally {
      process.kill(clickhouse, "SIGCONT");
    }
    const found = await untilStored(running, 4);
    expect(found("meterline_sink_lag_seconds")).toBe(0);
    expect(found("meterline_stream_oldest_unacked_seconds")).toBe(0);
    expect(found("meterline_service_up", { service: "clickhouse" })).toBe(1);
    expect(await readiness(running.httpUrl)).toMatchObject({ status: 200 });
  });

  // Guarantee: a batch that a killed process had inserted and not committed counts once, in the one that finishes it.
  test(
    "count a batch once that is finished by a second process",
    async () => {
      const first = await start({ METERLINE_CRASH_AT: "inserted" });
      await apply();
      await publish(first, [[{ id: "a" }, { id: "b" }, { id: "b" }]]);
      await endOf(first);
      up = undefined;

      const second = await start();
      const found = await untilStored(second, 3);
      const expected = { accepted: 2, duplicate: 1, conflict: 0, rejected: 0 };
      expect(verdictsIn(found, "meterline_sink_events_total")).toEqual(expected);
      expect(verdictsIn(found, "meterline_stored_events_total")).toEqual(expected);
      expect(found("meterline_sink_received_events_total")).toBe(3);
      expect(found("meterline_sink_epoch")).toBe(2);

      second.signal("SIGTERM");
      await endOf(second);
      const third = await untilStored(await start(), 3);
      expect(verdictsIn(third, "meterline_sink_events_total").accepted).toBe(0);
      expect(verdictsIn(third, "meterline_stored_events_total")).toEqual(expected);
    },
    THREE_STARTS_MS,
  );
});
