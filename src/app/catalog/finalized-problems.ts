/** What lies in a finalized period is corrected by credit notes, not by another price or another end of the contract. */
import type { CatalogProblem } from "../../domain/catalog-files.ts";
import { instantOf, instantText, type Instant } from "../../kernel/instant.ts";
import type { Wanted } from "./catalog-entities.ts";
import type { JournalState } from "./fold-journal.ts";

export function finalizedProblems(state: JournalState, { key, at, definition }: Wanted<"contract">): CatalogProblem[] {
  const finalized = [...state.finalized.values()].filter((invoice) => invoice.contract === key);
  const [latest] = finalized.sort((a, b) => Number(endOf(b) - endOf(a)));
  if (latest === undefined) return [];
  const end = endOf(latest);
  const before = (field: string, instant: Instant): CatalogProblem[] =>
    instant >= end
      ? []
      : [
          {
            at,
            problem: `contract ${key}: ${field} ${instantText(instant)} lies before ${instantText(end)}, the end of the finalized invoice ${latest.number}; take that instant or a later one`,
          },
        ];
  const from = instantOf(definition.effectiveFrom, "effectiveFrom");
  const moved = movedEnd(state, { key, to: definition.effective.to });
  return [...before("effectiveFrom", from), ...(moved === undefined ? [] : before("effective.to", moved))];
}

/** The earlier of the old and the new end, from where on something changes; undefined when the end stays. */
function movedEnd(
  state: JournalState,
  contract: { readonly key: string; readonly to: string | null },
): Instant | undefined {
  const last = state.catalog.contracts.get(contract.key)?.at(-1);
  if (last === undefined) return undefined;
  const ends = [last.definition.effective.to, contract.to].map((to) =>
    to === null ? null : instantOf(to, "effective.to"),
  );
  const [old, now] = ends;
  if (old === now) return undefined;
  return ends.filter((end) => end !== null && end !== undefined).reduce((a, b) => (a < b ? a : b));
}

function endOf(invoice: { readonly periodTo: string }): Instant {
  return instantOf(invoice.periodTo, "periodTo");
}
