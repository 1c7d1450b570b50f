/** A meter's `where`: which events it measures, and what about an event makes that impossible to tell. */
import { expect, it } from "vitest";
import type { MeterCondition } from "../../../src/domain/meter.ts";
import { parseExactJson } from "../../../src/kernel/exact-json.ts";
import type { JsonObject } from "../../../src/kernel/json-tree.ts";
import { TreeMembers } from "../../../src/metering/event-members.ts";
import { meterEvent } from "../../../src/metering/meter-event.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";

/** `counted`, `left out`, or what is wrong. */
function outcome(
  condition: MeterCondition,
  value: string | undefined,
  whenMissing: "reject" | "skip" = "reject",
): string {
  const meter = {
    key: "m",
    eventType: "t",
    aggregation: "count" as const,
    where: { "/data/x": condition },
    whenMissing,
  };
  const catalog = compileMeteringCatalog(catalogOf({ meters: [meter] }));
  const document = parseExactJson(value === undefined ? '{"data":{}}' : `{"data":{"x":${value}}}`, 1);
  if ("error" in document) throw new Error(document.error);
  const result = meterEvent(
    new TreeMembers(document.elements[0]?.value as JsonObject),
    catalog.metersByType.get("t") ?? [],
  );
  if (result.kind === "rejection") return `${result.reason}: ${result.detail}`;
  return result.skipped === "" ? (result.uses.length === 1 ? "counted" : "left out") : result.skipped;
}

it.each([
  ["one of the texts", { in: ["a", "b"] }, '"b"', true],
  ["another text", { in: ["a", "b"] }, '"c"', false],
  ["a number by its text", { in: ["1.50"] }, "1.50", true],
  ["the same number written otherwise", { in: ["1.5"] }, "1.50", false],
  ["true by its name", { in: ["true"] }, "true", true],
  ["nothing is not the empty text", { in: [""] }, undefined, false],
  ["the empty text", { in: [""] }, '""', true],
  ["not: another text", { not: ["a"] }, '"b"', true],
  ["not: that text", { not: ["a"] }, '"a"', false],
  ["not: nothing at all", { not: ["a"] }, undefined, true],
  ["not: null", { not: ["a"] }, "null", true],
  ["there is an object", { exists: true }, "{}", true],
  ["there is false", { exists: true }, "false", true],
  ["null is nothing", { exists: true }, "null", false],
  ["there is nothing", { exists: false }, undefined, true],
  ["there is something", { exists: false }, "0", false],
  ["above the bound by the last place", { gt: "0.1" }, "0.100000000000000001", true],
  ["at an open bound", { gt: "0.1" }, "1e-1", false],
  ["at a closed bound, as a text", { gte: "100" }, '"100.0"', true],
  ["inside of two bounds", { gte: "9", lt: "10" }, "9.999999999999999999", true],
  ["outside of one", { gte: "9", lt: "10" }, "10", false],
  ["at the upper closed bound, beyond binary floating point", { lte: "9007199254740993" }, "9007199254740993", true],
  ["above it", { lte: "9007199254740992" }, "9007199254740993", false],
  ["nothing lies within no bounds", { lt: "10" }, undefined, false],
  ["all that is given holds", { in: ["1", "2"], not: ["2"], gt: "1.5" }, "2", false],
] as const satisfies readonly (readonly [string, MeterCondition, string | undefined, boolean])[])(
  "%s",
  (_name, condition, value, counts) => {
    expect(outcome(condition, value)).toBe(counts ? "counted" : "left out");
  },
);

// Guarantee: what a filter cannot tell is never left out in silence.
it.each([
  [{ in: ["a"] }, "{}", 'value_not_scalar: meter m: where "/data/x" is an object or an array'],
  [{ gt: "1" }, '"many"', 'value_not_a_number: meter m: where "/data/x" is "many"'],
  [{ gt: "1" }, "true", 'value_not_a_number: meter m: where "/data/x" is "true"'],
  [{ lt: "1" }, "1e-19", 'value_too_fine: meter m: where "/data/x" is "1e-19"'],
  [{ gt: "1" }, "1e20", 'value_out_of_range: meter m: where "/data/x" is "1e20"'],
] as const satisfies readonly (readonly [MeterCondition, string, string])[])(
  "%o of %s",
  (condition, value, problem) => {
    expect(outcome(condition, value)).toBe(problem);
    expect(outcome(condition, value, "skip")).toBe(`skipped by ${problem.slice(problem.indexOf(" ") + 1)}`);
  },
);
