/**
 * Rates a recorded run again, from the same cut and the catalog as of the same journal sequence, and sets the lines beside the stored ones.
 * Both are held in memory: about 3 KB per line of the run.
 */
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import type { RatedLine } from "../../domain/rated-line.ts";
import { hashedLine, ratedLineHash, ratedLinesHash } from "../../domain/rated-line-hash.ts";
import { AppError } from "../../kernel/errors.ts";
import { parsePeriodArgument } from "../../kernel/period.ts";
import { lineOfRevision, REPEATABLE_REVS } from "./line-of-revision.ts";
import { ratePlan } from "./rate-plan.ts";
import type { RatingDeps } from "./rating-deps.ts";
import { planRating, type RatingPlan } from "./rating-plan.ts";
import { withLeftOver } from "./task-rollover.ts";

export type RepeatDeps = Pick<RatingDeps, "store" | "catalogAt" | "finalizedAt" | "spansOf" | "findRun">;

export type RepeatedRun = {
  readonly run: RatingRunEntry;
  readonly rated: readonly RatedLine[];
  readonly stored: readonly RatedLine[];
  readonly plan: RatingPlan;
  /** Hash over the lines rated again; equal to `run.linesHash` when the repetition is exact. */
  readonly linesHash: string;
  /** Line ids whose stored hash is not that of the stored line. */
  readonly wrongHashes: readonly string[];
};

/** Writes nothing. Throws `not_found` for an unknown run, `conflict` for one of another rating revision. */
export async function repeatRun(deps: RepeatDeps, runId: string): Promise<RepeatedRun> {
  const run = await deps.findRun(runId);
  if (run === null) {
    throw new AppError({
      code: "RUN_UNKNOWN",
      kind: "not_found",
      message: `There is no rating run "${runId}": \`SELECT run_id FROM meterline.rating_runs\` lists them`,
    });
  }
  if (!REPEATABLE_REVS.includes(run.ratingRev)) {
    throw new AppError({
      code: "RATING_REV_OTHER",
      kind: "conflict",
      message: `Run ${runId} was rated by revision ${String(run.ratingRev)} of the rules, this release has ${REPEATABLE_REVS.join(" and ")}: repeat it with a release of that revision`,
    });
  }
  const catalog = await deps.catalogAt(run.catalogSeq);
  const period = parsePeriodArgument(run.period);
  const planned = planRating({ catalog, period, customers: run.customers, spansOf: deps.spansOf });
  const plan = withLeftOver(planned, await deps.finalizedAt(run.catalogSeq));
  const facts = { runId, cut: run.cut, catalogSeq: run.catalogSeq };
  const lines = await collect(ratePlan({ store: deps.store, plan, run: facts }));
  const rated = lines.map((line) => lineOfRevision(line, run.ratingRev));
  const stored = await collect(deps.store.ratedLines({ runId, customers: [] }));
  return {
    run,
    plan,
    rated,
    stored: stored.map(({ line }) => line),
    linesHash: ratedLinesHash(rated.map((line) => ({ lineId: line.lineId, hash: ratedLineHash(line) }))),
    wrongHashes: stored.filter(({ line, hash }) => ratedLineHash(line) !== hash).map(({ line }) => line.lineId),
  };
}

export type RestoredRun = {
  readonly run: RatingRunEntry;
  readonly linesHash: string;
  readonly exact: boolean;
  readonly rewritten: number;
  readonly differing: readonly string[];
};

/** Repeats a run and, when it comes out the same, writes the lines that are missing. Stored lines that differ are named, never replaced. */
export async function restoreRun(deps: RepeatDeps, runId: string): Promise<RestoredRun> {
  const { run, rated, stored, linesHash, wrongHashes } = await repeatRun(deps, runId);
  const found = new Map(stored.map((line) => [line.lineId, ratedLineHash(line)]));
  const hashed = rated.map((line) => hashedLine(line));
  const differing = hashed
    .filter(({ line, hash }) => (found.get(line.lineId) ?? hash) !== hash)
    .map(({ line }) => line.lineId);
  const known = new Set(rated.map((line) => line.lineId));
  const foreign = stored.filter((line) => !known.has(line.lineId)).map((line) => line.lineId);
  const problems = [...new Set([...differing, ...foreign, ...wrongHashes])].sort();
  const same = linesHash === run.linesHash && rated.length === run.lines;
  const missing = same ? hashed.filter(({ line }) => !found.has(line.lineId)) : [];
  const batch = deps.store.ratedLineBatch();
  for (const line of missing) batch.add(line);
  await batch.write();
  return { run, linesHash, exact: same && problems.length === 0, rewritten: missing.length, differing: problems };
}

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
