/**
 * A round is published while the sink is held before its first insert, and the rate is taken from the end of its second batch (two are prepared while it is held) until
 * its last: the sink's own pace, without its start and without the producer on the same two cores.
 */
import type { BenchWorld, Round } from "./bench-world.ts";
import { requireEqual } from "./benchmark.ts";
import type { ChildSink } from "./child-sink.ts";
import type { ChildCommit } from "./sink-child.ts";

export type SinkRound = {
  readonly eventsPerSecond: number;
  readonly measuredEvents: number;
};

export type MeasureRoundInput = {
  readonly world: BenchWorld;
  readonly sink: ChildSink;
  readonly round: Round;
  /** How many of them were accepted before; none unless said otherwise. */
  readonly duplicates?: number;
  /** Between publishing and letting the sink go. */
  readonly whileHeld?: (published: { readonly firstSeq: number }) => Promise<void>;
  /** Once everything is counted, before the stream is trimmed. */
  readonly afterwards?: (published: { readonly firstSeq: number }) => Promise<void>;
};

/** The batches of a round that are not measured. */
export const PREPARED_BATCHES = 2;

export async function measureSinkRound(input: MeasureRoundInput): Promise<SinkRound> {
  const { world, sink, round, duplicates = 0 } = input;
  const countedBefore = await counted(world);
  const before = sink.commits().length;
  const eventsBefore = sink.events();
  await sink.hold();
  const published = await world.publish(round);
  await input.whileHeld?.(published);
  await sink.release();
  await sink.until(() => sink.events() >= eventsBefore + round.events);
  const commits = sink.commits().slice(before);
  requireEqual("counted events", await counted(world), countedBefore + round.events - duplicates);
  requireEqual("events", eventsOf(commits), round.events);
  requireEqual("duplicates", total(commits, "duplicate"), duplicates);
  requireEqual("accepted events", total(commits, "accepted"), round.events - duplicates);
  await input.afterwards?.(published);
  await world.trim();
  const [begin, end] = [commits[PREPARED_BATCHES - 1], commits.at(-1)];
  const measured = commits.slice(PREPARED_BATCHES);
  if (begin === undefined || end === undefined || measured.length === 0)
    throw new Error(`a round of ${round.events} events has only ${commits.length} batches: give it more events`);
  const measuredEvents = eventsOf(measured);
  return { eventsPerSecond: measuredEvents / ((end.atMs - begin.atMs) / 1_000), measuredEvents };
}

function eventsOf(commits: readonly ChildCommit[]): number {
  return commits.reduce((sum, { events }) => sum + events, 0);
}

function total(commits: readonly ChildCommit[], verdict: "accepted" | "duplicate"): number {
  return commits.reduce((sum, { counts }) => sum + counts[verdict], 0);
}

async function counted({ clickhouse }: BenchWorld): Promise<number> {
  const [row] = await clickhouse.rows<{ events: string }>({
    sql: "SELECT sum(event_count) AS events FROM meterline.usage_windows WHERE meter = 'requests'",
    doing: "counting what the windows hold",
  });
  return Number(row?.events ?? 0);
}
