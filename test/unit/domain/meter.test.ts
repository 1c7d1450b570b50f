/** What a meter makes of its events, in words. */
import { expect, test } from "vitest";
import { bucketText } from "../../../src/domain/meter.ts";

test.each([
  [{ aggregation: "latest" }, "latest"],
  [{ aggregation: "max", bucket: "day" }, "max per day, added up"],
  [
    { aggregation: "latest", bucket: "hour", holdFor: 2 },
    "latest per hour, added up; held for up to 2 hours without events",
  ],
  [
    { aggregation: "latest", bucket: "day", holdFor: 1 },
    "latest per day, added up; held for up to 1 day without events",
  ],
] as const)("%j is %s", (measure, text) => {
  expect(bucketText(measure)).toBe(text);
});
