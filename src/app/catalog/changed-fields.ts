/** Which fields of an entity differ, as a reader of the diff wants to see it, and which must not. */
import type { Catalog, EntityKind } from "../../domain/catalog.ts";
import { canonicalJson } from "../../kernel/canonical-json.ts";
import { currentVersion, versionsOf, type ApplyProblem, type Wanted } from "./catalog-entities.ts";

/** Of a meter all that gives its numbers their meaning; of a contract what its billing periods rest on. */
const IMMUTABLE_FIELDS: Readonly<Record<EntityKind, readonly string[]>> = {
  meter: ["eventType", "aggregation", "value", "dimensions"],
  customer: [],
  rate_card: ["currency"],
  contract: ["customer", "currency", "timeZone", "billing"],
};
const ADVICE: Readonly<Record<EntityKind, string>> = {
  meter: "another definition is another meter: give it a key of its own",
  customer: "",
  rate_card: "another currency is another rate card: give it a key of its own",
  contract: "end this contract with effective.to and begin another one",
};
const SHOWN_CHARACTERS_MAX = 160;

/** `field: old → new` for each field that differs. */
export function changedFields(before: object, after: object): string[] {
  const old = before as Readonly<Record<string, unknown>>;
  const now = after as Readonly<Record<string, unknown>>;
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((field) => textOf(old[field]) !== textOf(now[field]))
    .map((field) => `${field}: ${shown(old[field])} → ${shown(now[field])}`);
}

export function immutableProblems(catalog: Catalog, wanted: Wanted): ApplyProblem[] {
  const current = currentVersion(versionsOf(catalog, wanted.kind).get(wanted.key));
  if (current === undefined) return [];
  const old = current.definition as unknown as Readonly<Record<string, unknown>>;
  const now = wanted.definition as unknown as Readonly<Record<string, unknown>>;
  const changed = IMMUTABLE_FIELDS[wanted.kind].filter((field) => textOf(old[field]) !== textOf(now[field]));
  if (wanted.kind === "contract" && textOf(startOf(old)) !== textOf(startOf(now))) changed.push("effective.from");
  return changed.map((field) => ({
    at: wanted.at,
    problem: `${wanted.kind} ${wanted.key}: ${field} never changes (${shown(old[field])} → ${shown(now[field])}); ${ADVICE[wanted.kind]}`,
  }));
}

function startOf(contract: Readonly<Record<string, unknown>>): unknown {
  return (contract["effective"] as { readonly from: unknown }).from;
}

function textOf(value: unknown): string {
  return value === undefined ? "" : canonicalJson(value);
}

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : canonicalJson(value);
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}
