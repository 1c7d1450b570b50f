/** The last local month that has ended for every contract, grace included: the one that invoices can be finalized for today. */
import type { ContractVersion } from "../../src/domain/catalog.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { instantText, NS_PER_HOUR, type Instant } from "../../src/kernel/instant.ts";
import { billingPeriodContaining, type Period } from "../../src/kernel/period.ts";

const MONTHS_BACK_MAX = 24;
const MONTHS_PER_YEAR = 12;

export type LastCompleteMonthInput = {
  readonly contracts: readonly ContractVersion[];
  readonly now: Instant;
  readonly graceHours: number;
};

/** `month` is what `--period` takes; `period` reaches from the first contract's beginning of it to the last one's end. */
export function lastCompleteMonth(input: LastCompleteMonthInput): { readonly month: string; readonly period: Period } {
  const [year = 0, month = 1] = instantText(input.now).split("-").map(Number);
  for (let back = 0; back < MONTHS_BACK_MAX; back += 1) {
    const index = year * MONTHS_PER_YEAR + (month - 1) - back;
    const localMonth = `${String(Math.floor(index / MONTHS_PER_YEAR))}-${String((index % MONTHS_PER_YEAR) + 1).padStart(2, "0")}`;
    const periods = input.contracts.map(({ billing, timeZone }) =>
      billingPeriodContaining({ ...billing, timeZone, localMonth }),
    );
    const to = periods.map((period) => period.to).reduce((a, b) => (a > b ? a : b), 0n);
    const from = periods.map((period) => period.from).reduce((a, b) => (a < b ? a : b), to);
    if (to + BigInt(input.graceHours) * NS_PER_HOUR <= input.now) return { month: localMonth, period: { from, to } };
  }
  throw new AppError({
    code: "DEMO_NO_MONTH",
    kind: "settings",
    message: `No month of the last ${String(MONTHS_BACK_MAX)} has ended for longer than the grace: lower METERLINE_GRACE_HOURS`,
  });
}
