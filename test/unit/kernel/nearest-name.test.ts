/** The name that was probably meant. */
import { expect, test } from "vitest";
import { nearestName } from "../../../src/kernel/nearest-name.ts";

const NAMES = ["key", "meter", "unitAmount", "flatAmount", "upTo"];

test.each([
  ["unitAmont", "unitAmount"],
  ["unitamount", "unitAmount"],
  ["meetr", "meter"],
  ["kye", "key"],
  ["upto", "upTo"],
  ["price", undefined],
  ["k", undefined],
  ["", undefined],
])("%s → %s", (written, meant) => {
  expect(nearestName(written, NAMES)).toBe(meant);
});
