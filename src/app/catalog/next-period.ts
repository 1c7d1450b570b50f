/** When a change reaches a contract that does not say when: with its next billing period, never before it begins. */
import type { ContractVersion } from "../../domain/catalog.ts";
import { instantOf, type Instant } from "../../kernel/instant.ts";
import { billingPeriodAt } from "../../kernel/period.ts";

export function nextPeriod(
  now: Instant,
  contract: Pick<ContractVersion, "key" | "timeZone" | "billing" | "effective">,
): Instant {
  const begins = instantOf(contract.effective.from, `effective.from of contract ${contract.key}`);
  const next = billingPeriodAt(now, { timeZone: contract.timeZone, ...contract.billing }).to;
  return next > begins ? next : begins;
}
