/**
 * What an event costs from the producer's publish until it is counted, in microseconds of a core, for each of the three processes that work for it: nats-server (taking
 * it and handing it on), the sink, ClickHouse (with the merges that are under way at the end). Other work on the machine makes it take longer, and costs it nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import { messagesOf } from "./bench-events.ts";
import type { BenchWorld } from "./bench-world.ts";
import { requireEqual } from "./benchmark.ts";
import { startChildSink, type ChildSink } from "./child-sink.ts";
import type { ScaleCost } from "./growth.ts";
import { cpuSeconds, peakBytes } from "./process-use.ts";
import { quantitySum, scaleEvents, type ScaleEvents } from "./scale-events.ts";

export type PipelineUseInput = {
  readonly world: BenchWorld;
  readonly events: number;
  readonly round: string;
  readonly customers: number;
  readonly eventTypes: number;
  /** That each event feeds. */
  readonly metersPerEvent: number;
};

export type PipelineUse = {
  readonly costs: readonly ScaleCost[];
  /** From the start of the sink's process until it has counted one event: it has read the catalog and the identities, and waited for more events. */
  readonly startSeconds: number;
  readonly peakBytes: number;
};

export const PROCESSES = ["nats-server", "sink", "ClickHouse"] as const;
/** What all three take together. */
export const PIPELINE = "pipeline";

const EVENTS_PER_MESSAGE = 100;
/** Published together, so that no long backlog lies in memory. */
const PIECE = 200_000;
/** Batches fill up, as they do at a high rate, however many events there are at a moment for each shard. */
const BATCH_WAIT_MS = 1_000;
const POLL_MS = 20;
const MICROSECONDS = 1_000_000;

export async function pipelineUse(input: PipelineUseInput): Promise<PipelineUse> {
  const { world, events } = input;
  const before = await counted(world);
  const startedMs = performance.now();
  const sink = startChildSink(world, { batchWaitMs: BATCH_WAIT_MS });
  await publish(input, 0, 1);
  await sink.until(() => sink.events() >= 1);
  const startSeconds = (performance.now() - startedMs) / 1_000;
  const used = usedBy(world, sink);
  for (let from = 1; from < events; from += PIECE) await publish(input, from, Math.min(from + PIECE, events));
  await sink.until(() => sink.events() >= events);
  await mergesEnded(world);
  const usedAfter = usedBy(world, sink);
  const peak = peakBytes(sink.pid);
  await sink.stop();
  await requireCounted(input, before);
  await world.trim();
  const micros = PROCESSES.map((_, index) => {
    const seconds = (usedAfter[index] ?? 0) - (used[index] ?? 0);
    return (seconds * MICROSECONDS) / (events - 1);
  });
  const cost = (name: string, value: number): ScaleCost => ({
    name,
    unit: "µs of a core",
    of: "one event",
    values: [value],
  });
  return {
    costs: [
      cost(
        PIPELINE,
        micros.reduce((sum, value) => sum + value, 0),
      ),
      ...PROCESSES.map((name, index) => cost(name, micros[index] ?? 0)),
    ],
    startSeconds,
    peakBytes: peak,
  };
}

async function publish(
  { world, round, customers, eventTypes }: PipelineUseInput,
  from: number,
  to: number,
): Promise<void> {
  const events: ScaleEvents = { from, to, round, customers, eventTypes };
  await world.publish({ events: to - from, messages: messagesOf(scaleEvents(events), EVENTS_PER_MESSAGE) });
}

/** In the order of `PROCESSES`. */
function usedBy({ servers }: BenchWorld, sink: ChildSink): readonly number[] {
  return [servers.natsPid, sink.pid, servers.clickhousePid].map(cpuSeconds);
}

async function mergesEnded({ clickhouse }: BenchWorld): Promise<void> {
  const sql = "SELECT count() AS merges FROM system.merges";
  while (Number((await clickhouse.rows<{ merges: string }>({ sql, doing: "waiting for merges" }))[0]?.merges) > 0)
    await delay(POLL_MS);
}

type Counted = { readonly events: bigint; readonly quantity: bigint };

async function counted({ clickhouse }: BenchWorld): Promise<Counted> {
  const [row] = await clickhouse.rows<{ events: string; quantity: string }>({
    sql: "SELECT sum(event_count) AS events, toString(sum(quantity_sum)) AS quantity FROM meterline.usage_windows WHERE meter LIKE 'm%'",
    doing: "adding up what the windows hold",
  });
  return { events: BigInt(row?.events ?? 0), quantity: BigInt(row?.quantity ?? 0) };
}

async function requireCounted({ world, events, metersPerEvent }: PipelineUseInput, before: Counted): Promise<void> {
  const after = await counted(world);
  requireEqual("counted events", after.events - before.events, BigInt(events) * BigInt(metersPerEvent));
  requireEqual("counted quantity", after.quantity - before.quantity, quantitySum(0, events) * BigInt(metersPerEvent));
}
