/**
 * What must be true when all is quiet, whatever happened: every acknowledged message is stored with a right verdict, batches tile the streams,
 * identities count once in every table, and all sums are those of the reference. Returns what is not so.
 */
import type { CommittedBatch } from "../../src/domain/sink-plan.ts";
import type { UsageMessage } from "../../src/domain/usage-event.ts";
import type { ModelStream } from "./model/jet-stream.ts";
import { WINDOW_VIEWS, type UseRow } from "./model/usage-views.ts";
import type { Acknowledged } from "./producer.ts";
import { expectationOf, type CountedUse, type Expectation, type StreamHistory } from "./reference.ts";
import type { World } from "./world.ts";

type KnownStream = { readonly shard: number; readonly stream: ModelStream; readonly isFormer: boolean };
type Report = (problem: string) => void;

export function checkInvariants(world: World, acknowledged: readonly Acknowledged[]): string[] {
  const problems: string[] = [];
  const report: Report = (problem) => {
    problems.push(problem);
  };
  const streams = knownStreams(world);
  const histories = streams.map((known) => historyOf(world, known, report));
  const expectation = expectationOf(histories);
  checkAcknowledged(streams, acknowledged, report);
  checkRaw(world, expectation, report);
  checkIdentities(world, report);
  checkUses(world, expectation, report);
  return problems;
}

/** The streams of a shard in the order of their lives. */
function knownStreams(world: World): KnownStream[] {
  const former = world.formerStreams.map((known) => ({ ...known, isFormer: true }));
  const shards = Array.from({ length: world.scenario.shards }, (_, shard) => shard);
  return [...former, ...shards.map((shard) => ({ shard, stream: world.stream(shard), isFormer: false }))];
}

/** Batches must tile the stream, and each must hold what it says. */
function historyOf(world: World, { shard, stream, isFormer }: KnownStream, report: Report): StreamHistory {
  const { incarnation, history } = stream;
  const batches = world.clickhouse.tables.batches.rows
    .filter((batch) => batch.shard === shard && batch.plan.incarnation === incarnation)
    .toSorted((a, b) => a.plan.first - b.plan.first);
  const bySeq = new Map<number, CommittedBatch>();
  let next = 1;
  for (const batch of batches) {
    const { first, last } = batch.plan;
    if (first !== next) report(`shard ${shard}: batch ${first}-${last} where ${next} is next`);
    next = last + 1;
    checkBatch(world, batch, report);
    for (let seq = first; seq <= last; seq += 1) {
      bySeq.set(seq, batch);
      const published = history[seq - 1]?.journalSeq ?? Number.POSITIVE_INFINITY;
      // A restored NATS has its journal from the same moment, so this holds there too.
      if (batch.plan.catalogSeq < published)
        report(`message ${seq} was decided with an older catalog than its producer knew`);
    }
  }
  if (!isFormer && next !== history.length + 1)
    report(`shard ${shard} holds ${history.length} messages, batches end at ${next - 1}`);
  const messages: UsageMessage[] = history.map(({ message }) => message);
  return { shard, incarnation, messages, placeOf: (seq) => bySeq.get(seq)?.plan ?? null };
}

function checkBatch(world: World, { shard, plan, messages, counts }: CommittedBatch, report: Report): void {
  const { first, last, incarnation } = plan;
  const rows = world.clickhouse.tables.raw.rows.filter(
    (row) => row.shard === shard && row.batchFirst === first && row.incarnation === BigInt(incarnation),
  );
  const name = `batch ${shard}/${first}-${last}`;
  if (messages !== last - first + 1) report(`${name} says it has ${messages} messages`);
  if (rows.length !== plan.rows) report(`${name} says it has ${plan.rows} rows, stored are ${rows.length}`);
  for (const verdict of ["accepted", "duplicate", "conflict", "rejected"] as const) {
    const stored = rows.filter((row) => row.verdict === verdict).length;
    if (stored !== counts[verdict]) report(`${name} says ${counts[verdict]} are ${verdict}, stored are ${stored}`);
  }
}

/** Of a stream that was lost with a server nothing can be asked. */
function checkAcknowledged(
  streams: readonly KnownStream[],
  acknowledged: readonly Acknowledged[],
  report: Report,
): void {
  const bodies = new Map(
    streams.map(({ stream }) => [stream, new Set(stream.history.map(({ message }) => message.body))]),
  );
  for (const { stream, body } of acknowledged) {
    if (bodies.get(stream)?.has(body) === false) report("a message was acknowledged, and its stream does not hold it");
  }
}

function checkRaw(world: World, { verdicts }: Expectation, report: Report): void {
  const missing = new Map(verdicts);
  for (const { shard, incarnation, seq, position, verdict } of world.clickhouse.tables.raw.rows) {
    const place = `${shard}/${incarnation}/${seq}/${position}`;
    const expected = missing.get(place);
    missing.delete(place);
    if (expected === undefined)
      report(`raw row ${place} is there ${verdicts.has(place) ? "twice" : "without a reason"}`);
    else if (expected !== verdict) report(`event ${place} is ${verdict}, and should be ${expected}`);
  }
  for (const place of missing.keys()) report(`raw row ${place} is missing`);
}

/** Each accepted identity has one key, and no other has one. */
function checkIdentities(world: World, report: Report): void {
  const { raw, keys } = world.clickhouse.tables;
  const accepted = raw.rows.filter(({ verdict }) => verdict === "accepted").map(({ eventKey }) => eventKey);
  const stored = keys.rows.map(({ eventKey }) => eventKey);
  if (new Set(accepted).size !== accepted.length) report("an identity was accepted twice");
  if (new Set(stored).size !== stored.length) report("an identity has two keys");
  if (accepted.length !== stored.length)
    report(`${accepted.length} events were accepted, ${stored.length} keys are stored`);
}

function checkUses(world: World, { uses }: Expectation, report: Report): void {
  const { uses: events, windows } = world.clickhouse.tables;
  const rowOf = (use: CountedUse): string =>
    [groupOf(use), use.source, use.id, use.eventTime, use.quantity, use.text].join("|");
  compare({ table: events.name, stored: groups(events.rows, rowOf), expected: groups(uses, rowOf) }, report);
  WINDOW_VIEWS.forEach(({ table, reads }, index) => {
    const stored = (windows[index]?.rows ?? []).flatMap((row) => row.uses);
    const expected = uses.filter((use) => reads(use as UseRow));
    compare({ table, stored: groups(stored, groupOf), expected: groups(expected, groupOf) }, report);
  });
}

function groupOf({ meter, customer, windowStart, dimensions, cut }: CountedUse): string {
  return [meter, customer, windowStart, dimensions, cut].join("|");
}

/** What a group adds up to, over everything that a window table can hold. */
function groups(uses: readonly CountedUse[], nameOf: (use: CountedUse) => string): Map<string, string> {
  const byName = Map.groupBy(uses, nameOf);
  return new Map([...byName].map(([name, ofGroup]) => [name, summaryOf(ofGroup)]));
}

function summaryOf(uses: readonly CountedUse[]): string {
  let [sum, moment] = [0n, 0n];
  for (const { quantity, eventTime, windowStart } of uses) {
    sum += quantity;
    moment += quantity * (eventTime - windowStart);
  }
  const quantities = uses.map(({ quantity }) => quantity).toSorted((a, b) => (a < b ? -1 : 1));
  const latest = uses
    .map((use) => `${use.eventTime}/${use.source}/${use.id}/${use.quantity}`)
    .toSorted()
    .at(-1);
  const values = [...new Set(uses.map(({ text }) => text))].toSorted();
  return `${uses.length} events, sum ${sum}, moment ${moment}, ${quantities[0]}..${quantities.at(-1)}, ${latest}, ${values.join(" ")}`;
}

type Compared = {
  readonly table: string;
  readonly stored: ReadonlyMap<string, string>;
  readonly expected: ReadonlyMap<string, string>;
};

function compare({ table, stored, expected }: Compared, report: Report): void {
  for (const [name, sum] of stored) {
    const right = expected.get(name);
    if (sum !== right) report(`${table} ${name}: stored ${sum}; expected ${right ?? "nothing"}`);
  }
  for (const name of expected.keys()) if (!stored.has(name)) report(`${table} ${name} is missing`);
}
