/**
 * Rates a period: raises the cut, plans with the catalog at the journal's head, writes the lines, then records the run. A run that died
 * before its entry leaves lines that no run names: it is gone on with on demand, from the same cut and catalog, so that its lines stay what they
 * would have been; another one has another cut and never meets them.
 * In memory stay the plan and some 250 bytes per line for the hash over them; usage and lines stream.
 */
import { hashedLine, ratedLinesHash } from "../../domain/rated-line-hash.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import { assert } from "../../kernel/assert.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { sha256Hex } from "../../kernel/hash.ts";
import { instantText } from "../../kernel/instant.ts";
import { parsePeriodArgument } from "../../kernel/period.ts";
import { RATING_REV } from "../../rating/rating-rev.ts";
import { appendEntries } from "../append-entries.ts";
import type { OpenRun } from "../ports.ts";
import { requireAllPriced } from "./find-unpriced.ts";
import { ratePlan } from "./rate-plan.ts";
import type { RatingDeps } from "./rating-deps.ts";
import type { RunFacts } from "./line-of-task.ts";
import { withLeftOver } from "./task-rollover.ts";
import { planRating, ratedLineId, type RatingPlan, type RatingTask } from "./rating-plan.ts";

/** Lines per insert. */
const WRITE_BATCH_LINES = 5_000;
/** Lines that are rated without a pause: as long as they are, no insert and no query of the next lines gets out of the process. */
const TURN_LINES = 250;

export type RatePeriodInput = {
  /** `2026-10`, or two instants `FROM/TO`. */
  readonly period: string;
  /** Keys; empty: all. */
  readonly customers: readonly string[];
  /** Goes on with the last run of the same period and customers, as of its cut, when that one died; begins anew otherwise. */
  readonly resume?: boolean;
};

/** Throws `invalid` when a price lacks its meter or usage lacks a price; nothing is recorded then. */
export async function ratePeriod(deps: RatingDeps, input: RatePeriodInput): Promise<RatingRunEntry> {
  const period = parsePeriodArgument(input.period);
  const customers = [...new Set(input.customers)].sort();
  const scope = { period: input.period, customers };
  const run = (input.resume === true ? await diedRun(deps, scope) : null) ?? (await beginRun(deps, scope));
  const catalog = await deps.catalogAt(run.catalogSeq);
  const planned = planRating({ catalog, period, customers, spansOf: deps.spansOf });
  const plan = withLeftOver(planned, await deps.finalizedAt(run.catalogSeq));
  await requireAllPriced({ store: deps.store, catalog, spansOf: deps.spansOf, parts: plan.parts, cut: run.cut });
  await deps.openRuns.record(run);
  const written = await writeLines(deps, plan, run);
  const entry: RatingRunEntry = { kind: "rating.run", ...run, ...written };
  await appendEntries(deps.journal, [entry]);
  await deps.project();
  return entry;
}

type Scope = Pick<OpenRun, "period" | "customers">;

async function beginRun(deps: RatingDeps, scope: Scope): Promise<OpenRun> {
  // The cut first: an event as of it was decided with a catalog no newer than the head that is read afterwards.
  const cutAt = instantText(deps.now());
  const cut = await deps.completeCut();
  const { seq: catalogSeq } = await deps.journal.head();
  const facts = { ...scope, cut, catalogSeq, ratingRev: RATING_REV };
  return { runId: ratingRunId(facts), ...facts, cutAt };
}

/** The run of this scope that has begun and was never recorded; one of other rules would have other lines. */
async function diedRun(deps: RatingDeps, scope: Scope): Promise<OpenRun | null> {
  const run = await deps.openRuns.find(scope);
  if (run?.ratingRev !== RATING_REV) return null;
  return (await deps.findRun(run.runId)) === null ? run : null;
}

type RunInputs = Pick<RatingRunEntry, "period" | "customers" | "cut" | "catalogSeq" | "ratingRev">;

function ratingRunId(facts: RunInputs): string {
  const { period, customers, cut, catalogSeq, ratingRev } = facts;
  return `run_${sha256Hex(canonicalJson([period, customers, cut, catalogSeq, ratingRev])).slice(0, 20)}`;
}

async function writeLines(
  deps: RatingDeps,
  plan: RatingPlan,
  run: OpenRun,
): Promise<{ readonly lines: number; readonly linesHash: string }> {
  const total = plan.tasks.length;
  const hashes: { lineId: string; hash: string }[] = [];
  // A run that begins has none; one that goes on doesn't rate them again.
  for await (const line of deps.store.ratedLineHashes(run.runId)) hashes.push(line);
  const lines = ratePlan({
    store: deps.store,
    plan: { ...plan, tasks: unwritten(plan.tasks, hashes) },
    run: factsOf(run),
  });
  let batch = deps.store.ratedLineBatch();
  // The next lines are rated while these are written; an error of either ends both.
  let writing = Promise.resolve();
  const write = async (): Promise<void> => {
    await writing;
    deps.onProgress?.({ lines: hashes.length - batch.lines, total });
    writing = batch.write();
    writing.catch(() => undefined);
    batch = deps.store.ratedLineBatch();
  };
  for await (const line of lines) {
    const hashed = hashedLine(line);
    hashes.push({ lineId: line.lineId, hash: hashed.hash });
    batch.add(hashed);
    if (batch.lines === WRITE_BATCH_LINES) await write();
    if (hashes.length % TURN_LINES === 0) await deps.turn();
  }
  await write();
  await writing;
  deps.onProgress?.({ lines: hashes.length, total });
  assert(hashes.length === total, `the plan has ${String(total)} tasks, but ${String(hashes.length)} lines were rated`);
  return { lines: hashes.length, linesHash: ratedLinesHash(hashes) };
}

function unwritten(
  tasks: readonly RatingTask[],
  written: readonly { readonly lineId: string }[],
): readonly RatingTask[] {
  if (written.length === 0) return tasks;
  const ids = new Set(written.map(({ lineId }) => lineId));
  return tasks.filter((task) => !ids.has(ratedLineId(task)));
}

function factsOf({ runId, cut, catalogSeq }: OpenRun): RunFacts {
  return { runId, cut, catalogSeq };
}
