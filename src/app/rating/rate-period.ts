/**
 * Rates a period: raises the cut, plans with the catalog at the journal's head, writes the lines, then records the run. A run that died
 * before its entry leaves lines that no run names; the next one has another cut, so it never meets them.
 * In memory stay the plan and 100 bytes per line for the hash over them; usage and lines stream.
 */
import type { RatedLine } from "../../domain/rated-line.ts";
import { ratedLineHash, ratedLinesHash } from "../../domain/rated-line-hash.ts";
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import { assert } from "../../kernel/assert.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { sha256Hex } from "../../kernel/hash.ts";
import { instantText } from "../../kernel/instant.ts";
import { parsePeriodArgument } from "../../kernel/period.ts";
import { RATING_REV } from "../../rating/rating-rev.ts";
import { appendEntries } from "../append-entries.ts";
import type { StoredLine } from "../ports.ts";
import { requireAllPriced } from "./find-unpriced.ts";
import { ratePlan } from "./rate-plan.ts";
import type { RatingDeps } from "./rating-deps.ts";
import { planRating } from "./rating-plan.ts";

/** Lines per insert. */
const WRITE_BATCH_LINES = 2_000;

export type RatePeriodInput = {
  /** `2026-10`, or two instants `FROM/TO`. */
  readonly period: string;
  /** Keys; empty: all. */
  readonly customers: readonly string[];
};

/** Throws `invalid` when a price lacks its meter or usage lacks a price; nothing is recorded then. */
export async function ratePeriod(deps: RatingDeps, input: RatePeriodInput): Promise<RatingRunEntry> {
  const period = parsePeriodArgument(input.period);
  const customers = [...new Set(input.customers)].sort();
  // The cut first: an event as of it was decided with a catalog no newer than the head that is read afterwards.
  const cutAt = instantText(deps.now());
  const cut = await deps.completeCut();
  const { seq: catalogSeq } = await deps.journal.head();
  const catalog = await deps.catalogAt(catalogSeq);
  const plan = planRating({ catalog, period, customers, spansOf: deps.spansOf });
  await requireAllPriced({ store: deps.store, parts: plan.parts, cut });
  const facts = { period: input.period, customers, cut, catalogSeq, ratingRev: RATING_REV };
  const run = { runId: ratingRunId(facts), cut, catalogSeq };
  const written = await writeLines(deps, ratePlan({ store: deps.store, plan, run }), plan.tasks.length);
  const entry: RatingRunEntry = { kind: "rating.run", runId: run.runId, ...facts, cutAt, ...written };
  await appendEntries(deps.journal, [entry]);
  await deps.project();
  return entry;
}

type RunInputs = Pick<RatingRunEntry, "period" | "customers" | "cut" | "catalogSeq" | "ratingRev">;

function ratingRunId(facts: RunInputs): string {
  const { period, customers, cut, catalogSeq, ratingRev } = facts;
  return `run_${sha256Hex(canonicalJson([period, customers, cut, catalogSeq, ratingRev])).slice(0, 20)}`;
}

async function writeLines(
  deps: RatingDeps,
  lines: AsyncIterable<RatedLine>,
  total: number,
): Promise<{ readonly lines: number; readonly linesHash: string }> {
  const hashes: { lineId: string; hash: string }[] = [];
  let batch: StoredLine[] = [];
  // The next lines are rated while these are written; an error of either ends both.
  let writing = Promise.resolve();
  const write = async (): Promise<void> => {
    await writing;
    deps.onProgress?.({ lines: hashes.length - batch.length, total });
    writing = deps.store.writeRatedLines(batch);
    writing.catch(() => undefined);
    batch = [];
  };
  for await (const line of lines) {
    const hash = ratedLineHash(line);
    hashes.push({ lineId: line.lineId, hash });
    batch.push({ line, hash });
    if (batch.length === WRITE_BATCH_LINES) await write();
  }
  await write();
  await writing;
  deps.onProgress?.({ lines: hashes.length, total });
  assert(hashes.length === total, `the plan has ${String(total)} tasks, but ${String(hashes.length)} lines were rated`);
  return { lines: hashes.length, linesHash: ratedLinesHash(hashes) };
}
