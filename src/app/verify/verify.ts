/**
 * Verification: is what ClickHouse holds what the streams say? The checks of `sql/checks` decode the raw bytes again and recompute every
 * view; the journal's chain is walked, its projections are rebuilt and compared; every rating run is rated again from the views.
 * Nothing is repaired; projections that only lag are brought up to date. Usage is compared as of a complete cut, so that a batch half way in is not taken for a fault.
 */
import type { RecordedEntry } from "../../domain/journal-entry.ts";
import { counted } from "../../kernel/counted.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Discrepancy } from "../../domain/discrepancy.ts";
import { compareInvoice, compareWithRun } from "./compare-invoice.ts";
import { compareRun } from "./compare-run.ts";
import type { CheckResult, VerifyDeps, VerifyReport } from "./verify-types.ts";

/** Messages per SQL check: bounds the memory of one query, and each is a step of the progress. */
const RANGE_MESSAGES_MAX = 500_000;
/** Discrepancies shown per check and scope; one is enough to block, hundreds help nobody. */
const DISCREPANCIES_MAX = 100;
const PROJECTION_ATTEMPTS_MAX = 5;

type Step = { readonly check: string; readonly scope: string; readonly run: () => Promise<readonly Discrepancy[]> };

export async function verify(deps: VerifyDeps): Promise<VerifyReport> {
  const cut = await deps.completeCut();
  const journal = await readJournal(deps);
  // The checks decode with the meters and customers of the projected catalog, which must not lag behind the batches.
  await deps.project().catch(unlessBroken);
  const steps = [...(await usageSteps(deps, cut)), ...journalSteps(deps, journal.entries)];
  const results: CheckResult[] = [...journal.results, await compareStreams(deps)];
  for (const [finished, step] of steps.entries()) {
    deps.onProgress({ check: step.check, finished, total: steps.length });
    results.push({ check: step.check, scope: step.scope, discrepancies: await step.run() });
  }
  deps.onProgress({ check: "", finished: steps.length, total: steps.length });
  return {
    cut,
    results,
    discrepancies: results.flatMap((result) => result.discrepancies),
    notes: await pendingNotes(deps),
  };
}

/** The checks that a finalization rests on: those of the usage alone, without the journal's projections and the other runs. */
export async function verifyUsage(deps: Pick<VerifyDeps, "store">, cut: number): Promise<readonly Discrepancy[]> {
  const found: Discrepancy[] = [];
  for (const step of await usageSteps(deps, cut)) found.push(...(await step.run()));
  return found;
}

async function usageSteps(deps: Pick<VerifyDeps, "store">, cut: number): Promise<Step[]> {
  const spans = (await deps.store.shardSpans()).flatMap((span) => chunks(span));
  const months = await deps.store.usageMonths(cut);
  return deps.store.checks().flatMap(({ name, scope }): Step[] => {
    const step = (text: string, params: Record<string, string | number>): Step => ({
      check: name,
      scope: text,
      run: () => deps.store.runCheck(name, { ...params, limit: DISCREPANCIES_MAX }),
    });
    if (scope === "once") return [step(`all batches as of cut ${String(cut)}`, { cut })];
    if (scope === "per_month")
      return months.map((month) => step(`windows of ${String(month)} as of cut ${String(cut)}`, { month, cut }));
    return spans.map((span) =>
      step(`messages ${String(span.first)} to ${String(span.last)} of shard ${String(span.shard)}`, { ...span }),
    );
  });
}

function chunks<T extends { first: number; last: number }>(span: T): T[] {
  const parts: T[] = [];
  for (let first = span.first; first <= span.last; first += RANGE_MESSAGES_MAX) {
    parts.push({ ...span, first, last: Math.min(span.last, first + RANGE_MESSAGES_MAX - 1) });
  }
  return parts;
}

/** Reads the journal; a broken chain is a discrepancy, and what lies behind the break is not trusted. */
async function readJournal(deps: VerifyDeps): Promise<{ entries: readonly RecordedEntry[]; results: CheckResult[] }> {
  const entries: RecordedEntry[] = [];
  const discrepancies: Discrepancy[] = [];
  try {
    for await (const entry of deps.journal.entries()) entries.push(entry);
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "broken") throw error;
    const key =
      typeof error.details["seq"] === "number"
        ? `entry ${String(error.details["seq"])}`
        : `after entry ${String(entries.length)}`;
    discrepancies.push({ check: "journal_chain", table: "JOURNAL (stream)", key, problem: error.message });
  }
  return {
    entries,
    results: [{ check: "journal_chain", scope: counted(entries.length, "entry", "entries"), discrepancies }],
  };
}

function journalSteps(deps: VerifyDeps, entries: readonly RecordedEntry[]): Step[] {
  const runs = entries.flatMap(({ entry }) => (entry.body.kind === "rating.run" ? [entry.body] : []));
  const invoices = entries.flatMap(({ entry }) => (entry.body.kind === "invoice.finalized" ? [entry.body] : []));
  const finalized = invoices.map(({ invoice }) => invoice);
  return [
    {
      check: "projections",
      scope: counted(entries.length, "journal entry", "journal entries"),
      run: () => projectionProblems(deps, entries),
    },
    ...runs.map((run): Step => ({
      check: "rated_lines",
      scope: `${run.runId}, ${counted(run.lines, "line")}`,
      run: async () => {
        const repeated = await deps.repeatRun(run);
        return [...compareRun(repeated), ...compareWithRun(repeated, finalized)];
      },
    })),
    {
      check: "invoices",
      scope: counted(invoices.length, "finalized invoice"),
      run: () => Promise.resolve(finalized.flatMap((invoice) => compareInvoice(invoice))),
    },
  ];
}

/** Others go on deciding meanwhile: what differs is looked at again when the journal has grown since its entries were read. */
async function projectionProblems(
  deps: VerifyDeps,
  entries: readonly RecordedEntry[],
): Promise<readonly Discrepancy[]> {
  let compared = entries;
  for (let attempt = 1; ; attempt += 1) {
    // A broken chain is a discrepancy of its own, and projects nothing further.
    await deps.project().catch(unlessBroken);
    const found = await deps.store.compareProjections(iterate(compared));
    if (found.length === 0 || attempt === PROJECTION_ATTEMPTS_MAX) return found;
    const { entries: newer } = await readJournal(deps);
    if (newer.length === compared.length) return found;
    compared = newer;
  }
}

function unlessBroken(error: unknown): void {
  if (!(error instanceof AppError) || error.kind !== "broken") throw error;
}

// eslint-disable-next-line @typescript-eslint/require-await -- an iterable that happens to be in memory
async function* iterate(entries: readonly RecordedEntry[]): AsyncGenerator<RecordedEntry> {
  yield* entries;
}

/** A committed batch beyond the stream's end, or a stream that was made anew, means that one of the two was restored or replaced. */
async function compareStreams(deps: VerifyDeps): Promise<CheckResult> {
  const discrepancies: Discrepancy[] = [];
  const spans = await deps.store.shardSpans();
  for (const stream of deps.streams) {
    const state = await stream.state();
    for (const span of spans.filter((candidate) => candidate.shard === stream.shard)) {
      const key = `shard ${String(span.shard)}, incarnation ${span.incarnation}`;
      if (span.incarnation === state.incarnation && span.last > state.lastSeq) {
        const problem = `batches reach message ${String(span.last)}, the stream ends at ${String(state.lastSeq)}`;
        discrepancies.push({ check: "streams", table: "sink_batches", key, problem });
      }
    }
  }
  return { check: "streams", scope: counted(deps.streams.length, "usage stream"), discrepancies };
}

async function pendingNotes(deps: VerifyDeps): Promise<string[]> {
  const spans = await deps.store.shardSpans();
  const notes: string[] = [];
  for (const stream of deps.streams) {
    const state = await stream.state();
    const last = spans.find((span) => span.shard === stream.shard && span.incarnation === state.incarnation)?.last ?? 0;
    const pending = state.lastSeq - last;
    if (pending > 0) notes.push(`shard ${String(stream.shard)}: ${String(pending)} messages are not sunk yet`);
  }
  return notes;
}
