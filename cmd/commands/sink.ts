/** The `sink` role: writes what the usage streams hold into ClickHouse. SIGTERM drains. A second one is a standby until the first one's lease ends. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { crashHook } from "../../src/app/sink/crash-points.ts";
import { meteringCatalogs } from "../../src/app/sink/metering-catalogs.ts";
import { runSink, type SinkDeps, type SinkSettings } from "../../src/app/sink/run-sink.ts";
import { batchRowsMemory } from "../../src/clickhouse/batch-rows.ts";
import { sinkShardsOf, type Settings } from "../../src/config/settings.ts";
import { filterCopies } from "../../src/files/filter-copies.ts";
import { openUsageStream } from "../../src/stream/usage-stream.ts";
import { allocateYoung } from "../allocate-young.ts";
import { withContext, type Context } from "../context.ts";
import { eventTimeRange } from "../event-time-range.ts";
import { startObservation, type Observation } from "../observe/start-observation.ts";
import { watchRequests } from "../observe/watch-requests.ts";
import { watchedShardKeys, watchedSinkStore } from "../observe/watched-ports.ts";
import { makeStreams } from "../make-streams.ts";
import { awaitServices, type Services } from "../services.ts";
import { stopSignal } from "../stop-signal.ts";
import { systemClock } from "../system-clock.ts";

export type SinkRoleOptions = {
  /** Where no other process can be the writer (an embedded instance that holds its home's lock), a dead predecessor's lease is not waited for. */
  readonly instance?: string;
  readonly observation?: Observation;
  readonly onCommitted?: SinkDeps["onCommitted"];
};

/** Of the home. */
const FILTER_FOLDER = "sink";
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5_000;
const MS_PER_MINUTE = 60_000;
/** The batch being decided and the one read ahead. */
const PREFETCHED_BATCHES = 2;

export function registerSink(program: Command): void {
  program
    .command("sink")
    .description("the role that stores usage: streams in, ClickHouse out, exactly once; SIGTERM drains")
    .addHelpText(
      "after",
      "\nMore than one may run: each shard has one writer at a time, the others stand by. METERLINE_SINK_SHARDS divides the shards between them.",
    )
    .action(async (_options: unknown, command: Command) => {
      const stopping = stopSignal();
      await withContext(command, async (context) => {
        const observation = await startObservation({ ...context, role: "sink" });
        try {
          await makeStreams(context);
          await runSinkRole(context, stopping, { observation });
        } finally {
          await observation.close();
        }
      });
    });
}

/** Runs until the signal drains it; throws what stopped a shard. Streams and schema are there already. */
export async function runSinkRole(context: Context, signal: AbortSignal, options: SinkRoleOptions = {}): Promise<void> {
  allocateYoung();
  const services = await awaitServices(context, signal);
  if (services === null) return;
  const projector = createProjector(services, context);
  const { settings } = context;
  const ownShards = sinkShardsOf(settings, services.shards);
  const deps: SinkDeps = {
    openStream: (shard) =>
      openUsageStream(services.nats, {
        shard,
        shards: services.shards,
        prefetchBytesMax: settings.batchBytesMax * PREFETCHED_BATCHES,
      }),
    keys: services.keys,
    cuts: services.cuts,
    marks: services.marks,
    store: services.sinkStore,
    catalogs: meteringCatalogs(services.reader, projector.onHead),
    openRows: batchRowsMemory(),
    ...(settings.filterCopyEvery > 0 && { filterCopies: filterCopies(join(settings.home, FILTER_FOLDER)) }),
    timeRange: eventTimeRange(settings),
    clock: systemClock,
    log: context.logger,
    crash: crashHook(settings.crashAt, () => process.kill(process.pid, "SIGKILL")),
    ...(options.onCommitted && { onCommitted: options.onCommitted }),
    ...(options.observation && observed(services, options.observation, ownShards)),
  };
  projector.onHead();
  try {
    const own = {
      ...sinkSettings(settings, services.shards, options.instance ?? settings.sinkInstance ?? ""),
      ownShards,
    };
    await runSink(deps, own, signal);
  } finally {
    await projector.idle();
  }
}

/** The same ports, watched. */
function observed(
  services: Services,
  { metrics, sinkStarts }: Observation,
  ownShards: readonly number[],
): Pick<SinkDeps, "keys" | "store" | "observer"> {
  const watch = watchRequests(metrics);
  return {
    keys: watchedShardKeys(services.keys, watch),
    store: watchedSinkStore(services.sinkStore, watch, metrics),
    observer: sinkStarts(services, ownShards).observer,
  };
}

function sinkSettings(settings: Settings, shards: number, instance: string): SinkSettings {
  const { batchEventsMax, batchBytesMax, batchWaitMs, leaseMs, cutIntervalMinutes, filterCopyEvery } = settings;
  return {
    shards,
    holder: `${instance === "" ? hostname() : instance}#${randomUUID()}`,
    instance,
    batchEventsMax,
    batchBytesMax,
    batchWaitMs,
    leaseMs,
    cutEveryMs: cutIntervalMinutes * MS_PER_MINUTE,
    filterCopyEvery,
    retryFirstMs: RETRY_FIRST_MS,
    retryMaxMs: RETRY_MAX_MS,
  };
}

type Projector = { readonly onHead: () => void; readonly idle: () => Promise<void> };

/** Brings the journal's projections up to date beside the batches: they are for readers, no verdict waits for them. */
function createProjector(services: Services, context: Context): Projector {
  let running: Promise<void> | null = null;
  let again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await services.project().catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        context.logger.warn({ error: message }, "the journal was not projected; the next entry or start tries again");
      });
    } while (again);
    running = null;
  };
  return {
    onHead: () => {
      again = true;
      running ??= run();
    },
    idle: async () => {
      await running;
    },
  };
}
