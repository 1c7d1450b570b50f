/** Computed values: exact decimals, and a reason where there is none. Figures are reckoned by hand. */
import { expect, it } from "vitest";
import { parseExactJson } from "../../../src/kernel/exact-json.ts";
import { fixedPointText } from "../../../src/kernel/fixed-point.ts";
import type { JsonObject } from "../../../src/kernel/json-tree.ts";
import { TreeMembers } from "../../../src/metering/event-members.ts";
import { meterEvent } from "../../../src/metering/meter-event.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";

/** The quantity, or the reason and detail of the rejection. */
function computed(expression: string, data: string): string {
  const meter = { key: "m", eventType: "t", aggregation: "sum" as const, expression };
  const catalog = compileMeteringCatalog(catalogOf({ meters: [meter] }));
  const document = parseExactJson(`{"data":${data}}`, 1);
  if ("error" in document) throw new Error(document.error);
  const result = meterEvent(
    new TreeMembers(document.elements[0]?.value as JsonObject),
    catalog.metersByType.get("t") ?? [],
  );
  if (result.kind === "rejection") return `${result.reason}: ${result.detail}`;
  return fixedPointText(result.uses[0]?.quantity ?? -1n, 18);
}

it.each([
  ["/data/inputTokens + 4 * /data/outputTokens", '{"inputTokens":374,"outputTokens":"44"}', "550"],
  ["/data/a - /data/b", '{"a":0.3,"b":0.1}', "0.2"],
  ["/data/a * /data/b", '{"a":9007199254740993,"b":"0.000000000000000001"}', "0.009007199254740993"],
  ["round(/data/a * /data/b, 6)", '{"a":0.1234567890123,"b":0.1234567890123}', "0.015242"],
  ["round(/data/a)", '{"a":-2.5}', "-3"],
  ["round(/data/a, 1)", '{"a":0.25}', "0.3"],
  ["floor(/data/a)", '{"a":-2.1}', "-3"],
  ["ceil(/data/a)", '{"a":-2.9}', "-2"],
  ["ceil(/data/a, 2)", '{"a":1.001}', "1.01"],
  ["min(/data/a, 10, 7) + max(/data/a, 10)", '{"a":12}', "19"],
  ["coalesce(/data/a, /data/b, 1)", '{"b":null}', "1"],
  ["coalesce(/data/a + 1, 5)", "{}", "5"],
  ["coalesce(/data/a, /data/b)", '{"a":2,"b":"many"}', "2"],
  ['-"/data/a b" + 1', '{"a b":3}', "-2"],
  ["/data/a * 0", '{"a":99999999999999999999}', "0"],
])("%s of %s", (expression, data, quantity) => {
  expect(computed(expression, data)).toBe(quantity);
});

// Guarantee: what has no exact quantity is rejected by name, never cut.
it.each([
  ["/data/a + /data/b", '{"a":1}', 'value_missing: meter m: "/data/b" is missing'],
  ["coalesce(/data/a, /data/b)", '{"a":null}', 'value_missing: meter m: "/data/b" is missing'],
  ["/data/a + 1", '{"a":"many"}', 'value_not_a_number: meter m: "/data/a" is "many"'],
  ["/data/a + 1", '{"a":{}}', 'value_not_a_number: meter m: "/data/a" is not a number or a decimal string'],
  [
    "/data/a * /data/a",
    '{"a":"0.0000000001"}',
    "value_too_fine: meter m: its expression gives more than 18 digits behind the point (round it)",
  ],
  [
    "/data/a * 10",
    '{"a":"10000000000000000000"}',
    "value_out_of_range: meter m: its expression gives more than 20 digits before the point",
  ],
  ["/data/a + 1", '{"a":1e-19}', 'value_too_fine: meter m: "/data/a" is "1e-19"'],
])("%s of %s has none", (expression, data, problem) => {
  expect(computed(expression, data)).toBe(problem);
});
