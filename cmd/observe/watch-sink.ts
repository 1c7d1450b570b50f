/** Counts what the sink's observer is told, and keeps where each shard's writer is, for the lag and for health. */
import type { ShardSituation, SinkObserver } from "../../src/app/sink/sink-observer.ts";
import { REJECTIONS, VERDICTS, type RejectionReason } from "../../src/domain/usage-event.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";

export type SinkWatch = {
  readonly observer: SinkObserver;
  /** By shard; empty before the sink runs. */
  readonly situations: ReadonlyMap<number, ShardSituation>;
  /** Of what this process has committed of the shard; 1 before the first batch. */
  readonly eventsPerMessage: (shard: number) => number;
};

const REASONS = Object.keys(REJECTIONS) as readonly RejectionReason[];
const NOT_WRITING: ReadonlySet<ShardSituation["step"]> = new Set(["acquiring", "stopped"]);

/** True from the claim on until the writer has stopped. */
export function isHeld({ step }: ShardSituation): boolean {
  return !NOT_WRITING.has(step);
}

/** Every counter of its shards is there from the start, at 0: a rate over one that appears with its first event would miss that event. */
export function watchSink(metrics: Metrics, shards: readonly number[]): SinkWatch {
  const situations = new Map<number, ShardSituation>();
  const sums = new Map<number, { readonly events: number; readonly messages: number }>();
  const received = new Map<number, string>();
  for (const shard of shards) startAtZero(metrics, shard);
  return {
    situations,
    eventsPerMessage: (shard) => {
      const sum = sums.get(shard);
      return sum === undefined ? 1 : sum.events / sum.messages;
    },
    observer: {
      moved: (situation) => void situations.set(situation.shard, situation),
      decided: (shard, { first, last, messages, rows }) => {
        // The same range again is the same messages, decided anew.
        const range = `${first}-${last}`;
        if (received.get(shard) === range) return;
        received.set(shard, range);
        metrics.add("receivedMessages", messages, { shard });
        metrics.add("receivedEvents", rows, { shard });
      },
      committed: ({ batch, bytes, rejections }) => {
        const { shard, plan, messages, counts } = batch;
        for (const verdict of VERDICTS) metrics.add("events", counts[verdict], { shard, verdict });
        for (const [reason, count] of rejections) metrics.add("rejectedEvents", count, { shard, reason });
        metrics.add("batches", 1, { shard });
        metrics.record("batchEvents", plan.rows, { shard });
        metrics.record("batchBytes", bytes, { shard });
        const sum = sums.get(shard) ?? { events: 0, messages: 0 };
        sums.set(shard, { events: sum.events + plan.rows, messages: sum.messages + messages });
      },
    },
  };
}

function startAtZero(metrics: Metrics, shard: number): void {
  metrics.add("receivedMessages", 0, { shard });
  metrics.add("receivedEvents", 0, { shard });
  metrics.add("batches", 0, { shard });
  metrics.add("identitiesAsked", 0, { shard });
  for (const verdict of VERDICTS) metrics.add("events", 0, { shard, verdict });
  for (const reason of REASONS) metrics.add("rejectedEvents", 0, { shard, reason });
}
