/** `docs/capacity.md`: the plan of a cluster for a million events per second, with each figure taken from what was measured. */
import {
  capacityOf,
  DAYS_PER_MONTH,
  EVENTS_PER_SECOND,
  PLANNED_SHARE,
  SECONDS_PER_DAY,
  type Capacity,
} from "./capacity.ts";
import { SHARDS_MAX } from "../../src/config/setting-fields.ts";
import { shown } from "./interleave.ts";
import type { RecordedRuns } from "./recorded-run.ts";
import { markdownTable } from "./report.ts";

const GIB = 1024 ** 3;
const TERA = 1e12;
const MEGA = 1e6;

export function capacityPage({ benchmarks, scale }: RecordedRuns): string {
  const capacity = capacityOf({ benchmarks, scale });
  if (capacity === null) return `${HEAD}\n\nNot all of the measurements that it needs are recorded yet.\n`;
  const machines = [...new Set([...scale, ...benchmarks].map(({ machine, date }) => `${machine} (${date})`))];
  return `${[
    HEAD,
    `Measured on: ${machines.join("; ")}.`,
    "## Cores",
    coresTable(capacity),
    coresText(capacity),
    "## Shards and inserts",
    shardsText(capacity),
    "## Disk and network",
    diskTable(capacity),
    "## Memory",
    memoryText(capacity),
    "## Where it ends",
    limitsText(capacity),
  ].join("\n\n")}\n`;
}

const HEAD = `# A million events per second

What such a cluster takes, by simple multiplication of what was measured on one machine: in [the benchmarks](benchmarks.md) and [how costs grow](scale.md). Nobody has run one. This page is written by
\`npm run bench\`; each figure in it follows from \`docs/benchmarks.json\` and \`docs/scale.json\`. *Measured* is what stands there, *extrapolated* what is multiplied beyond it.`;

function coresTable({ micros, cores }: Capacity): string {
  const rows = [
    ["nats-server", micros.nats, cores.nats],
    ["sink", micros.sink, cores.sink],
    ["ClickHouse", micros.clickhouse, cores.clickhouse],
  ] as const;
  return markdownTable([
    ["process", rows.map(([name]) => name)],
    ["µs of a core per event (measured, S4 with one shard)", rows.map(([, each]) => shown(each))],
    ["cores (extrapolated)", rows.map(([, , all]) => String(Math.ceil(all)))],
  ]);
}

function coresText({ microsPerMeter }: Capacity): string {
  return `Cores = ${shown(EVENTS_PER_SECOND)} × µs ÷ 1,000,000 ÷ ${PLANNED_SHARE}, the share of a core's time that is planned with: the rest is for peaks, for working off what an outage has left, and for
readers. The event feeds one meter and travels in a message of a hundred; each further meter that an event feeds adds ${shown(microsPerMeter)} µs (measured, S3 from 1 to 10 meters), so
${shown((EVENTS_PER_SECOND * microsPerMeter) / MEGA / PLANNED_SHARE)} cores, most of them ClickHouse's. nats-server is counted once: replicas of a stream take the same again each (not measured).`;
}

function shardsText(capacity: Capacity): string {
  const { eventsPerWriter, shards, eventsPerStream, streamsAtLeast } = capacity;
  return `A shard is a stream with one writer, and a writer is one event loop, so one core: ${shown(eventsPerWriter)} events/s of it are planned with (1,000,000 ÷ µs of the sink × ${PLANNED_SHARE}). That makes **${shards} shards**.
One nats-server took ${shown(eventsPerStream)} events/s into one stream in messages of a hundred, beside its client on the same cores (measured, R3): for the streams alone ${streamsAtLeast} would do. Shards are fixed at the first start, and dealt
out by the producer: there have to be many more producers than shards, none of which is larger than a shard. Each sink process is given some of them by \`METERLINE_SINK_SHARDS\`, and at most one per core.

A batch ends at its size or at its wait, so with the default wait these shards make ${shown(capacity.insertsAtDefaultWait)} inserts/s, each of them a part in every table of the chain. ClickHouse wants few large ones: with
\`METERLINE_BATCH_WAIT_MS=${capacity.fullBatchWaitMs}\` batches fill up and there are ${shown(capacity.insertsOfFullBatches)} inserts/s (computed from the settings' defaults); the latency grows by the wait.`;
}

function diskTable({ bytes }: Capacity): string {
  const rows = [
    ["ClickHouse, all tables", bytes.clickhouse],
    ["of that the identities, which are never forgotten", bytes.keys],
    ["streams, until they are trimmed", bytes.stream],
  ] as const;
  const perDay = (each: number): number => (each * EVENTS_PER_SECOND * SECONDS_PER_DAY) / TERA;
  const table = markdownTable([
    ["where", rows.map(([name]) => name)],
    ["bytes per event (measured, R8)", rows.map(([, each]) => shown(each))],
    ["TB per day (extrapolated)", rows.map(([, each]) => shown(perDay(each)))],
    ["TB per month of thirty days (extrapolated)", rows.map(([, each]) => shown(perDay(each) * DAYS_PER_MONTH))],
  ]);
  const stream = bytes.stream * EVENTS_PER_SECOND;
  return `${table}

The events are those of R8, 320 bytes each as JSON, which compress little. Network: producers to NATS ${shown(stream / MEGA)} MB/s (${shown((stream * 8) / 1e9)} Gbit/s), NATS to the sinks the same again, each replica of a stream the same again
(extrapolated from the bytes in the stream). What goes from the sinks to ClickHouse was not measured: it is the event with its columns, less what the connection compresses.`;
}

function memoryText({ filter, sinkMemory, shards }: Capacity): string {
  return `A sink with one shard had ${shown(sinkMemory.bytes / GIB)} GiB at most beside ${shown(sinkMemory.customers)} customers (measured, S2), with few identities in its filter. [The filter](identity-check.md) takes 2 bytes per identity and
at most ${shown(filter.bytesMax / GIB)} GiB per shard, so plan ${shown(sinkMemory.bytes / GIB + filter.bytesMax / GIB)} GiB per writer, ${shown(shards * (sinkMemory.bytes / GIB + filter.bytesMax / GIB))} GiB for all.`;
}

function limitsText(capacity: Capacity): string {
  const { filter, outlivedSeconds, cores, bytes, shards } = capacity;
  return `${manyShards(shards)}- **Identities.** The filters of all shards hold ${shown(filter.identitiesMax / 1e9)} billion identities at full precision: at this rate that is ${duration(filter.secondsUntilFull)}. Beyond it more and more new events are asked about in
  ClickHouse: exact still, but no longer at this cost. A rate like this can be a peak; held for days it needs events that sum up more (fewer identities), or more shards than the cores ask for.
- **One ClickHouse.** The tables are not divided over servers: the ${Math.ceil(cores.clickhouse)} cores and ${shown((bytes.clickhouse * EVENTS_PER_SECOND * SECONDS_PER_DAY) / TERA)} TB per day are those of one server. Beyond the largest that you have, divide by producers and customers into
  installations of their own.
- **The window of tokens.** A shard that stands still in the middle of a batch while the others insert ${shown(outlivedSeconds * capacity.insertsOfFullBatches)} batches stops with \`PLAN_OUTLIVED\`: with full batches that is after ${duration(outlivedSeconds)}. Look after a stopped shard within it.
- **Merges** of days are in no figure here: those that were under way when a measurement ended are.`;
}

function manyShards(shards: number): string {
  if (shards <= SHARDS_MAX) return "";
  return `- **Shards.** ${shards} are more than \`METERLINE_SHARDS\` allows (${SHARDS_MAX}): with that many, on cores like these, ${shown((EVENTS_PER_SECOND * SHARDS_MAX) / shards)} events/s are planned with.\n`;
}

function duration(seconds: number): string {
  if (seconds >= 2 * SECONDS_PER_DAY) return `${shown(seconds / SECONDS_PER_DAY)} days`;
  return seconds >= 7_200 ? `${shown(seconds / 3_600)} hours` : `${shown(seconds / 60)} minutes`;
}
