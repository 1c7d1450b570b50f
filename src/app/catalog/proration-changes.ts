/** How a contract prorates changes with a billing period only: within one, its parts would not add up. */
import type { CatalogInFiles, CatalogProblem } from "../../domain/catalog-files.ts";
import { fieldAt } from "../../domain/catalog-files.ts";
import type { Catalog } from "../../domain/catalog.ts";
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
      const { timeZone, billing, proration = "none" } = span.version.definition;
      const previous = spans[index];
      const before = previous?.version.definition.proration ?? "none";
      const period = billingPeriodAt(span.from, { timeZone, ...billing });
      const holdsBefore = previous !== undefined && (previous.to ?? span.from) > period.from;
      if (proration === before || !holdsBefore || period.from === span.from) return [];
      const file = files.contracts.find(({ value }) => value.key === key);
      const problem = `contract ${key}: proration changes from ${before} to ${proration} at ${instantText(span.from)}, within a billing period; let it take effect at ${instantText(period.to)}`;
      return [{ at: file === undefined ? "catalog" : fieldAt(file, ["proration"]), problem }];
    });
  });
}
