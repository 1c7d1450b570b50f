/**
 * A line as an earlier revision of the rating rules wrote it, so that its runs are repeated to the byte. Revision 2 has the amounts of revision 1 and says
 * something else of the step `prior`: revision 1 called billed what lies before a part, also where that was billed at another price.
 */
import type { RatedLine } from "../../domain/rated-line.ts";
import { decimal } from "../../kernel/decimal.ts";
import type { BreakdownStep } from "../../rating/breakdown.ts";
import { RATING_REV } from "../../rating/rating-rev.ts";
import { amountText } from "../../rating/text.ts";

/** Runs of these can be repeated. */
export const REPEATABLE_REVS: readonly number[] = [1, RATING_REV];

export function lineOfRevision(line: RatedLine, ratingRev: number): RatedLine {
  if (ratingRev === RATING_REV) return line;
  const denomination = line.input.unit?.key ?? line.currency;
  return {
    ...line,
    ratingRev,
    input: { ...line.input, ratingRev },
    breakdown: line.breakdown.map((step) => withBilledText(step, denomination)),
  };
}

function withBilledText(step: RatedLine["breakdown"][number], denomination: string): RatedLine["breakdown"][number] {
  const { kind, amount = "", total = "" } = step;
  if (kind !== ("prior" satisfies BreakdownStep["kind"])) return step;
  const soFar = amountText(decimal(total), denomination);
  const before = amountText(decimal(amount).negated(), denomination);
  return { ...step, text: `Of ${soFar} for the period so far, ${before} were billed before` };
}
