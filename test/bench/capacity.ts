/** What a million events per second take, computed from what was measured; null while a measurement that it needs is missing. */
import { OUTLIVED_BATCHES } from "../../src/clickhouse/sink-store.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { FILTER_BITS_MAX, FILTER_BITS_PER_IDENTITY } from "../../src/metering/identity-filter.ts";
import { costNamed, type Growth, type ScalePoint } from "./growth.ts";
import { median } from "./median.ts";
import type { RecordedRun, RecordedRuns } from "./recorded-run.ts";

export const EVENTS_PER_SECOND = 1_000_000;
/** Of a core's time that is planned with: the rest is for peaks, for repairing what an outage has left, and for readers. */
export const PLANNED_SHARE = 0.6;
const MICROSECONDS = 1_000_000;
const MIB = 1024 ** 2;
const BITS_PER_BYTE = 8;
export const SECONDS_PER_DAY = 86_400;
export const DAYS_PER_MONTH = 30;
const { batchEventsMax, batchWaitMs } = loadSettings({});

export type Capacity = {
  /** Microseconds of a core per event, measured with one shard and one meter. */
  readonly micros: { readonly nats: number; readonly sink: number; readonly clickhouse: number };
  /** Further ones for each further meter that an event feeds. */
  readonly microsPerMeter: number;
  readonly cores: { readonly nats: number; readonly sink: number; readonly clickhouse: number };
  /** Events per second of one writer, which is one event loop. */
  readonly eventsPerWriter: number;
  readonly shards: number;
  /** Events per second that one stream took in messages of a hundred. */
  readonly eventsPerStream: number;
  readonly streamsAtLeast: number;
  readonly insertsAtDefaultWait: number;
  readonly fullBatchWaitMs: number;
  readonly insertsOfFullBatches: number;
  /** Until the deduplication windows have moved on half their length. */
  readonly outlivedSeconds: number;
  readonly bytes: { readonly stream: number; readonly clickhouse: number; readonly keys: number };
  readonly filter: { readonly bytesMax: number; readonly identitiesMax: number; readonly secondsUntilFull: number };
  /** Peak of a process with one shard and so many customers, and few identities. */
  readonly sinkMemory: { readonly customers: number; readonly bytes: number };
};

export function capacityOf({ benchmarks, scale }: RecordedRuns): Capacity | null {
  const oneShard = pointOf(scale, "S4", (growth) => growth.points[0]);
  const meters = scale.find(({ id }) => id === "S3")?.growth;
  const eventsPerStream = measured(benchmarks, "R3", "bare, hundreds");
  const stream = measured(benchmarks, "R8", "the stream until it is trimmed");
  const clickhouse = measured(benchmarks, "R8", "all tables");
  const keys = measured(benchmarks, "R8", "event_keys");
  const manyCustomers = pointOf(scale, "S2", (growth) => growth.points.at(-1));
  if (oneShard === undefined || meters === undefined || manyCustomers === undefined) return null;
  if ([eventsPerStream, stream, clickhouse, keys].some(Number.isNaN)) return null;
  const micros = {
    nats: costOf(oneShard, "nats-server"),
    sink: costOf(oneShard, "sink"),
    clickhouse: costOf(oneShard, "ClickHouse"),
  };
  const cores = (each: number): number => (EVENTS_PER_SECOND * each) / MICROSECONDS / PLANNED_SHARE;
  const eventsPerWriter = (MICROSECONDS / micros.sink) * PLANNED_SHARE;
  const streamsAtLeast = Math.ceil(EVENTS_PER_SECOND / (eventsPerStream * PLANNED_SHARE));
  const shards = Math.max(Math.ceil(EVENTS_PER_SECOND / eventsPerWriter), streamsAtLeast);
  const perShard = EVENTS_PER_SECOND / shards;
  const insertsOfFullBatches = EVENTS_PER_SECOND / batchEventsMax;
  const identitiesMax = (FILTER_BITS_MAX / FILTER_BITS_PER_IDENTITY) * shards;
  return {
    micros,
    microsPerMeter: slopeOf(meters, "pipeline, for all meters"),
    cores: { nats: cores(micros.nats), sink: cores(micros.sink), clickhouse: cores(micros.clickhouse) },
    eventsPerWriter,
    shards,
    eventsPerStream,
    streamsAtLeast,
    insertsAtDefaultWait: shards / Math.max(batchWaitMs / 1_000, batchEventsMax / perShard / 1_000),
    fullBatchWaitMs: Math.ceil((batchEventsMax / perShard) * 1_000),
    insertsOfFullBatches,
    outlivedSeconds: OUTLIVED_BATCHES / insertsOfFullBatches,
    bytes: { stream, clickhouse, keys },
    filter: {
      bytesMax: FILTER_BITS_MAX / BITS_PER_BYTE,
      identitiesMax,
      secondsUntilFull: identitiesMax / EVENTS_PER_SECOND,
    },
    sinkMemory: { customers: manyCustomers.size, bytes: costOf(manyCustomers, "peak memory of the sink") * MIB },
  };
}

function measured(runs: readonly RecordedRun[], id: string, name: string): number {
  const found = runs.find((run) => run.id === id)?.measurements.find((measurement) => measurement.name === name);
  return found === undefined ? Number.NaN : median(found.values);
}

function pointOf(runs: readonly RecordedRun[], id: string, of: (growth: Growth) => ScalePoint | undefined) {
  const growth = runs.find((run) => run.id === id)?.growth;
  return growth === undefined ? undefined : of(growth);
}

function costOf(point: ScalePoint, name: string): number {
  return median(costNamed(point, name).values);
}

/** By the unit of the size, between the first two points. */
function slopeOf({ points: [first, second] }: Growth, name: string): number {
  if (first === undefined || second === undefined) return Number.NaN;
  return (costOf(second, name) - costOf(first, name)) / (second.size - first.size);
}
