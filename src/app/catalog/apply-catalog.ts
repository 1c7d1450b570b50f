/** Performs an apply: plans against the journal's head, appends versions and commit, and plans again when somebody else was first. */
import type { JournalBody } from "../../domain/journal-entry.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Journal } from "../ports.ts";
import type { JournalState } from "./fold-journal.ts";
import type { JournalReader } from "./journal-reader.ts";
import { planApply, type ApplyPlan, type PlanApplyInput } from "./plan-apply.ts";

export type ApplyCatalogDeps = {
  readonly journal: Journal;
  readonly reader: JournalReader;
  readonly project: () => Promise<void>;
  /** A name that no other change has. */
  readonly newChangeId: () => string;
};

export type ApplyCatalogInput = Omit<PlanApplyInput, "state"> & {
  /** Asked with the plan that is about to be made so; false leaves everything as it is. */
  readonly confirm: (plan: ApplyPlan) => Promise<boolean>;
};

export type AppliedCatalog = { readonly plan: ApplyPlan; readonly applied: boolean; readonly journalSeq: number };

const ATTEMPTS_MAX = 50;

/** Throws `invalid` with every problem; nothing is appended then. */
export async function applyCatalog(deps: ApplyCatalogDeps, input: ApplyCatalogInput): Promise<AppliedCatalog> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const state = await deps.reader.head();
    const plan = planApply({ ...input, state });
    requireSoundPlan(plan);
    const unchanged = { plan, applied: false, journalSeq: state.head.seq };
    if (plan.versions.length === 0) {
      // Whoever applied it may have died before projecting it.
      await deps.project();
      return unchanged;
    }
    if (!(await input.confirm(plan))) return unchanged;
    const appended = await appendChange(deps, { plan, head: state.head });
    if (appended === null) continue;
    await deps.project();
    return { plan, applied: true, journalSeq: appended.seq };
  }
  throw new AppError({
    code: "JOURNAL_BUSY",
    kind: "unavailable",
    message: `The journal was appended to by others ${ATTEMPTS_MAX} times in a row: apply again`,
  });
}

type AppendChangeInput = { readonly plan: ApplyPlan; readonly head: JournalState["head"] };

/** Null when somebody else was first, be it in the middle: versions without their commit take no effect, the next attempt has a name of its own. */
async function appendChange(
  deps: ApplyCatalogDeps,
  { plan, head }: AppendChangeInput,
): Promise<{ readonly seq: number } | null> {
  try {
    return await deps.journal.append({ head, bodies: bodiesOf(plan, deps.newChangeId()) });
  } catch (error) {
    if (error instanceof AppError && error.code === "JOURNAL_APPEND_CUT") return null;
    throw error;
  }
}

export function requireSoundPlan(plan: ApplyPlan): void {
  if (plan.problems.length === 0) return;
  throw new AppError({
    code: "CATALOG_INVALID",
    kind: "invalid",
    message: `${plan.problems.length} problem(s) in the catalog files; nothing was applied:\n${plan.problems.map(({ at, problem }) => `  ${at}: ${problem}`).join("\n")}`,
    details: { problems: plan.problems },
  });
}

function bodiesOf(plan: ApplyPlan, change: string): JournalBody[] {
  return [
    ...plan.versions.map((version) => ({ ...version, change })),
    { kind: "catalog.commit", change, versions: plan.versions.length },
  ];
}
