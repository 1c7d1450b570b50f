import { expect, test } from "vitest";
import { notLateText } from "../../../../cmd/demo/demo-tables.ts";

// Guarantee: all of the published events are accounted for.
test("says what became of the events that are late for no invoice", () => {
  const late = [
    { number: "INV-000001", events: 110 },
    { number: "INV-000002", events: 49 },
    { number: "INV-000003", events: 29 },
  ];
  // 200 less 110, 49 and 29.
  expect(notLateText(late, 200)).toMatch(
    /^The other 12 of the 200 are kept as well, but concern none of these invoices/,
  );
  expect(notLateText(late, 188)).toBe("All 188 would have counted for one of these invoices.");
});
