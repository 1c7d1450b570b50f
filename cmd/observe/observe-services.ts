/** What is measured at the servers when a scrape asks, once a role has its services. */
import { instantOf, NS_PER_MILLISECOND } from "../../src/kernel/instant.ts";
import { storedTotals } from "../../src/clickhouse/stored-totals.ts";
import { VERDICTS } from "../../src/domain/usage-event.ts";
import type { Metrics, ObservedKey, Report } from "../../src/telemetry/metrics.ts";
import type { Services } from "../services.ts";
import { systemClock } from "../system-clock.ts";
import { measure, singleFlight, withinDeadline, type Measurement } from "./measure.ts";
import { probeStreams } from "./probe-streams.ts";
import type { Service } from "./watch-requests.ts";
import { isHeld, type SinkWatch } from "./watch-sink.ts";

const MS_PER_SECOND = 1_000;

type Probe = {
  readonly name: Measurement;
  readonly keys: readonly ObservedKey[];
  readonly run: () => Promise<(report: Report) => void>;
};

/** For every role: the journal and what follows from it, the last verification, the servers. */
export function observeServices(metrics: Metrics, services: Services): void {
  observeAll(metrics, [
    {
      name: "journal",
      keys: ["journalHead", "ratingRuns", "lastRatingRun", "invoicesFinalized"],
      run: () => readJournal(services),
    },
    { name: "projection", keys: ["journalProjected"], run: () => readProjection(services) },
    { name: "verification", keys: ["verifyMismatches", "lastVerify"], run: () => readVerification(services) },
  ]);
  const pings = pingsOf(services);
  metrics.observe(["serviceUp"], async (report) => {
    await Promise.all(
      Object.entries(pings).map(async ([service, ping]) => {
        const up = await withinDeadline(ping()).then(
          () => 1,
          () => 0,
        );
        report("serviceUp", up, { service });
      }),
    );
  });
}

/** A call per server that resolves when it answers. */
export function pingsOf({ clickhouse, nats }: Services): Readonly<Record<Service, () => Promise<unknown>>> {
  return { clickhouse: singleFlight(() => clickhouse.ping()), nats: singleFlight(() => nats.connection.rtt()) };
}

/** For the sink: lag, totals, and which shards this process writes. */
export function observeSink(metrics: Metrics, services: Services, sink: SinkWatch): void {
  const { nats, shards, clickhouse } = services;
  const totals = storedTotals(clickhouse, shards);
  const streams = probeStreams({ nats, shards, sink, clock: systemClock });
  observeAll(metrics, [
    {
      name: "streams",
      keys: [
        ...(["lagMessages", "lagEvents", "lagSeconds", "unackedMessages", "oldestUnacked"] as const),
        ...(["streamBytes", "streamBytesLimit"] as const),
      ],
      run: streams,
    },
    {
      name: "stored",
      keys: ["storedEvents", "storedBatches"],
      run: async () => {
        const found = await totals.read();
        return (report) => {
          for (const [shard, { batches, events }] of found.entries()) {
            report("storedBatches", batches, { shard });
            for (const verdict of VERDICTS) report("storedEvents", events[verdict], { shard, verdict });
          }
        };
      },
    },
    {
      name: "cut",
      keys: ["cut"],
      run: async () => {
        const { cut } = (await services.cuts.read()).value;
        return (report) => {
          report("cut", cut, {});
        };
      },
    },
  ]);
  metrics.observe(["shardHeld", "epoch"], (report) => {
    for (const [shard, situation] of sink.situations) {
      report("shardHeld", isHeld(situation) ? 1 : 0, { shard });
      if (isHeld(situation)) report("epoch", situation.epoch, { shard });
    }
  });
}

function observeAll(metrics: Metrics, probes: readonly Probe[]): void {
  for (const { name, keys, run } of probes) metrics.observe(keys, measure(metrics, name, run));
}

async function readJournal({ reader }: Services): Promise<(report: Report) => void> {
  const { head, runs, finalized } = await reader.head();
  const lastRun = [...runs.values()].at(-1);
  return (report) => {
    report("journalHead", head.seq, {});
    report("ratingRuns", runs.size, {});
    report("invoicesFinalized", finalized.size, {});
    if (lastRun === undefined) return;
    const ms = Number(instantOf(lastRun.cutAt, "cutAt") / NS_PER_MILLISECOND);
    report("lastRatingRun", ms / MS_PER_SECOND, {});
  };
}

async function readProjection({ projected }: Services): Promise<(report: Report) => void> {
  const seq = await projected();
  return (report) => {
    report("journalProjected", seq, {});
  };
}

async function readVerification({ verifications }: Services): Promise<(report: Report) => void> {
  const summary = await verifications.read();
  return (report) => {
    if (summary === null) return;
    report("lastVerify", summary.finishedAt / MS_PER_SECOND, {});
    for (const [check, count] of Object.entries(summary.mismatches)) report("verifyMismatches", count, { check });
  };
}
