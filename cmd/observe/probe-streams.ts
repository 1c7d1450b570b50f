/** The lag of each shard: what its stream holds against what is committed and what is acknowledged. */
import type { Clock } from "../../src/app/ports.ts";
import { NS_PER_MILLISECOND, type Instant } from "../../src/kernel/instant.ts";
import type { Nats } from "../../src/stream/connect.ts";
import { messageTime, streamBacklog, type StreamBacklog } from "../../src/stream/stream-backlog.ts";
import type { Report } from "../../src/telemetry/metrics.ts";
import { isHeld, type SinkWatch } from "./watch-sink.ts";

export type ProbeStreamsInput = {
  readonly nats: Nats;
  readonly shards: number;
  readonly sink: SinkWatch;
  readonly clock: Pick<Clock, "now">;
};

const MS_PER_SECOND = 1_000;

type ShardLag = {
  readonly shard: number;
  readonly backlog: StreamBacklog;
  readonly lagMessages: number;
  readonly lagSeconds: number;
  readonly unackedSeconds: number;
};

export function probeStreams(input: ProbeStreamsInput): () => Promise<(report: Report) => void> {
  const shards = Array.from({ length: input.shards }, (_, shard) => ({
    shard,
    times: messageTimes(input.nats, shard),
  }));
  return async () => {
    const lags = await Promise.all(shards.map(({ shard, times }) => lagOf(input, shard, times)));
    return (report) => {
      for (const lag of lags) reportLag(report, lag, input.sink);
    };
  };
}

type MessageTimes = (seqs: readonly number[]) => Promise<ReadonlyMap<number, Instant>>;

async function lagOf(
  { nats, sink, clock }: ProbeStreamsInput,
  shard: number,
  timesOf: MessageTimes,
): Promise<ShardLag> {
  const backlog = await streamBacklog(nats, shard);
  const { lastSeq, ackedSeq } = backlog;
  const situation = sink.situations.get(shard);
  const committed = situation !== undefined && isHeld(situation) ? situation.committed : null;
  // A commit may have overtaken the stream's state, which was read before it.
  const storedSeq = Math.min(committed ?? ackedSeq, lastSeq);
  const times = await timesOf([storedSeq + 1, ackedSeq + 1].filter((seq) => seq <= lastSeq));
  const now = clock.now();
  const ageOf = (seq: number): number => secondsBetween(times.get(seq) ?? now, now);
  return {
    shard,
    backlog,
    lagMessages: lastSeq - storedSeq,
    lagSeconds: ageOf(storedSeq + 1),
    unackedSeconds: ageOf(ackedSeq + 1),
  };
}

/** When the stream took a message. What was asked for last time is remembered: while a sink stands still, a large message is not fetched at each scrape. */
function messageTimes(nats: Nats, shard: number): MessageTimes {
  let known: ReadonlyMap<number, Instant> = new Map();
  return async (seqs) => {
    const times = new Map<number, Instant>();
    for (const seq of seqs) {
      const time = known.get(seq) ?? times.get(seq) ?? (await messageTime(nats, shard, seq));
      if (time !== null) times.set(seq, time);
    }
    known = times;
    return times;
  };
}

/** Not below zero, whatever the two clocks say. */
function secondsBetween(from: Instant, to: Instant): number {
  return Math.max(Number((to - from) / NS_PER_MILLISECOND) / MS_PER_SECOND, 0);
}

function reportLag(
  report: Report,
  { shard, backlog, lagMessages, lagSeconds, unackedSeconds }: ShardLag,
  sink: SinkWatch,
): void {
  report("lagMessages", lagMessages, { shard });
  report("lagEvents", lagMessages * sink.eventsPerMessage(shard), { shard });
  report("lagSeconds", lagSeconds, { shard });
  report("unackedMessages", backlog.lastSeq - backlog.ackedSeq, { shard });
  report("oldestUnacked", unackedSeconds, { shard });
  report("streamBytes", backlog.bytes, { shard });
  if (backlog.bytesMax !== null) report("streamBytesLimit", backlog.bytesMax, { shard });
}
