/**
 * When each version of a contract holds: from its `effectiveFrom` until the next one's, within the contract's own beginning and end. A version that
 * takes effect no later than an earlier one replaces it altogether; a removal ends the contract where it takes effect.
 */
import type { ContractSpan, EntityVersion } from "../../domain/catalog.ts";
import { instantOf, type Instant } from "../../kernel/instant.ts";

/** Spans in the order of time, without overlap; versions that never hold are absent. */
export function contractSpans(versions: readonly EntityVersion<"contract">[]): readonly ContractSpan[] {
  const newest = versions.at(-1);
  if (newest === undefined) return [];
  const ends = newest.definition.effective.to;
  const contractEnd = ends === null ? null : instantOf(ends, `effective.to of contract ${newest.key}`);
  const spans: ContractSpan[] = [];
  let next: Instant | null = contractEnd;
  for (const version of [...versions].reverse()) {
    const from = instantOf(version.definition.effectiveFrom, `effectiveFrom of contract ${version.key}`);
    const holds = next === null || from < next;
    if (holds && !version.removed) spans.unshift({ version, from, to: next });
    if (holds) next = from;
  }
  return spans;
}
