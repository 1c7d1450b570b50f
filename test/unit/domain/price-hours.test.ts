/** Hours of the week as people read them, whatever words they were written in. */
import { expect, test } from "vitest";
import { WEEKDAYS, weekOf, weekText, type PriceHours } from "../../../src/domain/price-hours.ts";
import { limitsTexts } from "../../../src/domain/usage-limits.ts";

const WORKDAYS = WEEKDAYS.slice(0, 5);

test.each<readonly [PriceHours, string]>([
  [{ in: [{ days: WORKDAYS, from: "08:00", to: "20:00" }] }, "Mon–Fri 08:00–20:00"],
  [{ in: [{ days: ["sat", "sun"], from: "00:00", to: "24:00" }] }, "Sat, Sun 00:00–24:00"],
  [{ in: [{ days: ["mon", "wed"], from: "22:00", to: "06:00" }] }, "Mon, Wed 22:00–06:00"],
  [{ in: [{ days: ["sun"], from: "22:00", to: "06:00" }] }, "Mon 00:00–06:00 and Sun 22:00–24:00"],
  [{ in: [{ days: WEEKDAYS, from: "00:00", to: "24:00" }] }, "daily 00:00–24:00"],
  [
    { not: [{ days: WORKDAYS, from: "08:00", to: "20:00" }] },
    "Mon 00:00–08:00 and Mon–Thu 20:00–08:00 and Fri 20:00–24:00 and Sat, Sun 00:00–24:00",
  ],
])("%j is %s", (hours, text) => {
  expect(weekText(weekOf(hours))).toBe(text);
});

test("limits are texts in the order of conditions and hours", () => {
  const limits = {
    ...{ conditions: [["model", "in", ["a", "b"]] as const, ["region", "not", ["eu"]] as const] },
    ...{ week: [[480, 1_200] as const], clock: [[0, 3_600] as const] },
  };
  expect(limitsTexts(limits)).toEqual(["model a or b", "region not eu", "Mon 08:00–20:00 local time"]);
  expect(limitsTexts({})).toEqual([]);
});
