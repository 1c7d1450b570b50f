/**
 * Free units that roll over make invoices follow one another: what a period left over is fixed when its invoice is finalized, so the next one can be
 * finalized no earlier, and from no run that did not know it yet.
 */
import type { RatingRunEntry } from "../../domain/journal-entry.ts";
import { AppError } from "../../kernel/errors.ts";
import { instantText } from "../../kernel/instant.ts";
import { periodText, type Period } from "../../kernel/period.ts";
import type { RatingDeps } from "../rating/rating-deps.ts";
import type { DueInvoices } from "./due-invoices.ts";
import type { FinalizedFacts } from "./invoicing-deps.ts";

const CONTRACTS_SHOWN_MAX = 10;

type Finalized = ReadonlyMap<string, Pick<FinalizedFacts, "contract" | "periodTo">>;
export type AwaitedInput = { readonly due: Pick<DueInvoices, "follows">; readonly finalized: Finalized };

/** Throws `conflict` with the periods that have to be finalized first. */
export function requireFollowed(input: AwaitedInput): void {
  const awaited = awaitedPeriods(input);
  if (awaited.length === 0) return;
  const shown = awaited
    .slice(0, CONTRACTS_SHOWN_MAX)
    .map(([contract, period]) => `${periodText(period)} of contract ${contract}`);
  throw new AppError({
    code: "PERIOD_BEFORE_OPEN",
    kind: "conflict",
    message: `Free units roll over from periods whose invoices are not finalized, so that nothing was: finalize ${shown.join(", ")} first (${String(awaited.length)} in all)`,
  });
}

/** True if the run took in all that is known by now of what the periods before left over. */
export async function knowsLeftOver(
  deps: Pick<RatingDeps, "finalizedAt">,
  { run, ...now }: AwaitedInput & { readonly run: Pick<RatingRunEntry, "catalogSeq"> },
): Promise<boolean> {
  if (now.due.follows.size === 0) return true;
  const then = { due: now.due, finalized: await deps.finalizedAt(run.catalogSeq) };
  return awaitedPeriods(then).length === awaitedPeriods(now).length;
}

function awaitedPeriods({ due, finalized }: AwaitedInput): readonly (readonly [contract: string, period: Period])[] {
  const ends = new Set([...finalized.values()].map(({ contract, periodTo }) => `${contract} ${periodTo}`));
  return [...due.follows].filter(([contract, period]) => !ends.has(`${contract} ${instantText(period.to)}`));
}
