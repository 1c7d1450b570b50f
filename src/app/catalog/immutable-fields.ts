/** What never changes about an entity, not even by taking it out and putting it back: the usage and the invoices of the past rest on it. */
import type { CatalogProblem } from "../../domain/catalog-files.ts";
import type { Catalog, EntityKind } from "../../domain/catalog.ts";
import { versionsOf, type Wanted } from "./catalog-entities.ts";
import { equalFields, shownField } from "./changed-fields.ts";

/** Of a meter all that gives its numbers their meaning; of a contract what its billing periods rest on. */
const IMMUTABLE_FIELDS: Readonly<Record<EntityKind, readonly string[]>> = {
  event_type: [],
  meter: [
    "eventType",
    "aggregation",
    "value",
    "expression",
    "percentile",
    "bucket",
    "holdFor",
    "recurring",
    "uniqueOver",
    "where",
    "dimensions",
  ],
  customer: [],
  rate_card: ["currency"],
  contract: ["customer", "currency", "timeZone", "billing"],
};
const ADVICE: Readonly<Record<EntityKind, string>> = {
  event_type: "",
  meter: "another definition is another meter: give it a key of its own",
  customer: "",
  rate_card: "another currency is another rate card: give it a key of its own",
  contract: "end this contract with effective.to and begin another one",
};

export function immutableProblems(catalog: Catalog, wanted: Wanted): CatalogProblem[] {
  const last = versionsOf(catalog, wanted.kind).get(wanted.key)?.at(-1);
  if (last === undefined) return [];
  const old = last.definition as unknown as Readonly<Record<string, unknown>>;
  const now = wanted.definition as unknown as Readonly<Record<string, unknown>>;
  const fields = IMMUTABLE_FIELDS[wanted.kind].map((field) => ({ field, old: old[field], now: now[field] }));
  if (wanted.kind === "contract") fields.push({ field: "effective.from", old: startOf(old), now: startOf(now) });
  return fields
    .filter((field) => !equalFields(field.old, field.now))
    .map((field) => ({
      at: wanted.at,
      problem: `${wanted.kind} ${wanted.key}: ${field.field} never changes (${shownField(field.old)} → ${shownField(field.now)}); ${ADVICE[wanted.kind]}`,
    }));
}

function startOf(contract: Readonly<Record<string, unknown>>): unknown {
  return (contract["effective"] as { readonly from: unknown }).from;
}
