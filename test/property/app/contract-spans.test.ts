/** The spans of a contract against the plain rule, asked instant by instant. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { contractSpans } from "../../../src/app/catalog/contract-spans.ts";
import type { ContractVersion, EntityVersion } from "../../../src/domain/catalog.ts";
import { instantText, NS_PER_DAY } from "../../../src/kernel/instant.ts";
import { versionOf } from "../../support/catalog-of.ts";

const DAYS = 30;
const day = (number: number): bigint => 1_767_225_600_000_000_000n + BigInt(number) * NS_PER_DAY;
const part = fc.record({ from: fc.nat(DAYS), removed: fc.boolean(), to: fc.option(fc.nat(DAYS)) });

type Part = { readonly from: number; readonly removed: boolean; readonly to: number | null };

function versionsOf(parts: readonly Part[]): EntityVersion<"contract">[] {
  return parts.map(({ from, removed, to }, index) => {
    const effective = { from: instantText(day(0)), to: to === null ? null : instantText(day(to)) };
    const definition = { key: "k", effective, effectiveFrom: instantText(day(from)) } as unknown as ContractVersion;
    return { ...versionOf("contract", definition), version: index + 1, removed };
  });
}

/** Whatever begins no later, the newest of it holds; the newest version of all says when the contract ends. */
function holdingOn(parts: readonly Part[], number: number): number | undefined {
  const end = parts.at(-1)?.to ?? Infinity;
  const index = parts.findLastIndex(({ from }) => from <= number);
  return index < 0 || number >= end || parts[index]?.removed === true ? undefined : index + 1;
}

// Guarantee: on any instant one version holds at most, and it is the one that was decided last.
test("each instant belongs to the version that was decided last among those that have begun", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const spans = contractSpans(versionsOf(parts));
      for (let number = 0; number <= DAYS; number += 1) {
        const at = day(number);
        const holding = spans.filter(({ from, to }) => from <= at && (to === null || at < to));
        const expected = holdingOn(parts, number);
        expect(holding.map(({ version }) => version.version)).toEqual(expected === undefined ? [] : [expected]);
      }
    }),
    { numRuns: 500 },
  );
});
