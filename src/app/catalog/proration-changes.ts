/** How a contract prorates, and how it rounds what it prorates, changes with a billing period only: within one, its parts would not add up. */
import type { CatalogInFiles, CatalogProblem } from "../../domain/catalog-files.ts";
import { fieldAt } from "../../domain/catalog-files.ts";
import type { Catalog, ContractVersion } from "../../domain/catalog.ts";
import type { CatalogVersionEntry } from "../../domain/journal-entry.ts";
import { instantText } from "../../kernel/instant.ts";
import { billingPeriodAt } from "../../kernel/period.ts";
import { contractSpans } from "./contract-spans.ts";
import { withVersions } from "./fold-journal.ts";

export type ProrationChangesInput = {
  readonly catalog: Catalog;
  readonly files: CatalogInFiles;
  /** Of the apply. */
  readonly versions: readonly Omit<CatalogVersionEntry, "change">[];
};

export function prorationChanges({ catalog, files, versions }: ProrationChangesInput): CatalogProblem[] {
  const after = withVersions(catalog, versions, catalog.seq + 1);
  const changed = new Set(versions.filter(({ entity }) => entity === "contract").map(({ key }) => key));
  return [...changed].flatMap((key) => {
    const spans = contractSpans(after.contracts.get(key) ?? []);
    return spans.slice(1).flatMap((span, index): CatalogProblem[] => {
      const previous = spans[index];
      if (previous === undefined) return [];
      const { definition } = span.version;
      const period = billingPeriodAt(span.from, { timeZone: definition.timeZone, ...definition.billing });
      if ((previous.to ?? span.from) <= period.from || period.from === span.from) return [];
      const file = files.contracts.find(({ value }) => value.key === key);
      return changesOf(previous.version.definition, definition).map(({ field, from, to }) => ({
        at: file === undefined ? "catalog" : fieldAt(file, [field]),
        problem: `contract ${key}: ${field} changes from ${from} to ${to} at ${instantText(span.from)}, within a billing period; let it take effect at ${instantText(period.to)}`,
      }));
    });
  });
}

type Change = { readonly field: "proration" | "rounding"; readonly from: string; readonly to: string };

/** Shares are differences of rounded amounts: they add up where all of them are rounded the same way. */
function changesOf(before: ContractVersion, after: ContractVersion): readonly Change[] {
  const [from, to] = [before.proration ?? "none", after.proration ?? "none"];
  if (from !== to) return [{ field: "proration", from, to }];
  if (to === "none" || before.rounding === after.rounding) return [];
  return [{ field: "rounding", from: before.rounding, to: after.rounding }];
}
