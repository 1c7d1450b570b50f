/**
 * R5: events per second with half of the input duplicates of identities that lie far beyond the broker's window, divided by the same without
 * duplicates. One sink runs through all rounds, with its filter loaded. A round is published while the sink is held before its first insert;
 * measured is from the end of its second batch, because two are prepared while it is held, until its last.
 */
import type { BenchSink, BenchWorld, Commit } from "./bench-world.ts";
import { median } from "./median.ts";
import type { Result } from "./result.ts";
import { messagesOf, proveFormulas, storedEvent, storeIdentities } from "./stored-identities.ts";

export type OldDuplicatesInput = {
  readonly identities: number;
  readonly events: number;
  readonly eventsPerMessage: number;
  readonly rounds: number;
};
type Kind = "fresh" | "half";

const PREPARED_BATCHES = 2;
const POLL_MS = 5;
const ROUND_DEADLINE_MS = 10 * 60_000;

export async function oldDuplicatesResult(world: BenchWorld, input: OldDuplicatesInput): Promise<Result> {
  await proveFormulas(world);
  const stored = await storeIdentities(world.clickhouse, { from: 0, to: input.identities });
  const startedMs = performance.now();
  const sink = world.startSink();
  await world.publish({ events: 1, messages: messagesOf([{ id: "warm", tokens: 1 }], 1) });
  await until(() => sink.commits().length > 0);
  const startSeconds = ((sink.commits()[0]?.atMs ?? 0) - startedMs) / 1_000;
  const rates: Record<Kind, number[]> = { fresh: [], half: [] };
  for (let round = 0; round < input.rounds; round += 1) {
    for (const kind of round % 2 === 0 ? (["fresh", "half"] as const) : (["half", "fresh"] as const)) {
      const rate = await measureRound({ world, sink, input, kind, round });
      rates[kind].push(rate);
      process.stderr.write(`round ${round + 1} of ${input.rounds}: ${kind} ${Math.round(rate)} events/s\n`);
    }
  }
  const residentBytes = process.memoryUsage.rss();
  await sink.stop();
  const fresh = median(rates.fresh);
  return {
    title: `${input.identities} identities stored, ${input.events} events a round`,
    ratioTitle: "÷ none",
    rows: [
      { step: "fresh", title: "no duplicates", rates: rates.fresh, ratio: 1 },
      {
        step: "half",
        title: "half of them duplicates of stored ones",
        rates: rates.half,
        ratio: median(rates.half) / fresh,
      },
    ],
    facts: {
      "bytes of event_keys per identity": Number((stored.bytes / stored.identities).toFixed(1)),
      "parts of event_keys": stored.parts,
      "seconds from the start of the sink to its first batch": Number(startSeconds.toFixed(1)),
      "resident MiB of the process with the sink": Math.round(residentBytes / 1024 ** 2),
    },
  };
}

type RoundInput = {
  readonly world: BenchWorld;
  readonly sink: BenchSink;
  readonly input: OldDuplicatesInput;
  readonly kind: Kind;
  readonly round: number;
};

async function measureRound({ world, sink, input, kind, round }: RoundInput): Promise<number> {
  const messages = messagesOf(eventsOf({ ...input, kind, round }), input.eventsPerMessage);
  const countedBefore = await counted(world);
  const before = sink.commits().length;
  sink.hold();
  await world.publish({ events: input.events, messages });
  sink.release();
  const ofRound = (): readonly Commit[] => sink.commits().slice(before);
  await until(() => total(ofRound(), "events") >= input.events);
  const commits = ofRound();
  const half = kind === "half" ? input.events / 2 : 0;
  await requireCounted(world, countedBefore + input.events - half);
  requireCounts(commits, { events: input.events, duplicate: half, accepted: input.events - half });
  const [begin, end] = [commits[PREPARED_BATCHES - 1], commits.at(-1)];
  const measured = commits.slice(PREPARED_BATCHES);
  if (begin === undefined || end === undefined || measured.length === 0)
    throw new Error(`a round of ${input.events} events has only ${commits.length} batches: give it more events`);
  return total(measured, "events") / ((end.atMs - begin.atMs) / 1_000);
}

/** Every second one is old, spread over all that are stored. */
function* eventsOf({ kind, round, events, identities, rounds }: OldDuplicatesInput & { kind: Kind; round: number }) {
  const olds = (events / 2) * rounds;
  const stride = Math.max(Math.floor(identities / olds), 1);
  for (let number = 0; number < events; number += 1) {
    const isOld = kind === "half" && number % 2 === 1;
    const nth = round * (events / 2) + (number - 1) / 2;
    yield isOld
      ? storedEvent((nth * stride) % identities)
      : { id: `${kind}-${round}-${number}`, tokens: number % 4_000 };
  }
}

function total(commits: readonly Commit[], what: "events" | "accepted" | "duplicate"): number {
  return commits.reduce((sum, { batch: { counts } }) => {
    const { accepted, duplicate, conflict, rejected } = counts;
    return sum + (what === "events" ? accepted + duplicate + conflict + rejected : counts[what]);
  }, 0);
}

/** A rate over wrong verdicts means nothing. */
function requireCounts(
  commits: readonly Commit[],
  wanted: Readonly<Record<"events" | "accepted" | "duplicate", number>>,
): void {
  for (const what of ["events", "accepted", "duplicate"] as const) {
    const found = total(commits, what);
    if (found !== wanted[what]) throw new Error(`${what}: ${found} instead of ${wanted[what]}`);
  }
}

async function counted({ clickhouse }: BenchWorld): Promise<number> {
  const [row] = await clickhouse.rows<{ events: string }>({
    sql: "SELECT sum(event_count) AS events FROM meterline.usage_windows WHERE meter = 'requests'",
    doing: "counting what the windows hold",
  });
  return Number(row?.events ?? 0);
}

async function requireCounted(world: BenchWorld, wanted: number): Promise<void> {
  const found = await counted(world);
  if (found !== wanted) throw new Error(`the windows hold ${found} events instead of ${wanted}`);
}

async function until(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + ROUND_DEADLINE_MS;
  while (!isDone()) {
    if (performance.now() > deadline) throw new Error("the sink does not get there");
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}
