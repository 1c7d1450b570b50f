/** Hours and days against the calendar of Intl, which is another implementation than the one that gives the offsets. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BUCKETS } from "../../../src/domain/meter.ts";
import { NS_PER_DAY, NS_PER_MILLISECOND, NS_PER_SECOND, instantOf } from "../../../src/kernel/instant.ts";
import { WINDOW_NS } from "../../../src/kernel/period.ts";
import { bucketsOf } from "../../../src/metering/bucket.ts";

const YEAR = instantOf("2026-01-01T00:00:00Z", "start");
const WINDOWS = 365 * 96;
const ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago"];

// Guarantee: two instants share a bucket exactly when their local clocks show the same date, and for hours the same hour and offset.
test.each(ZONES)("the hours and days of %s are those of its clock", (timeZone) => {
  const format = new Intl.DateTimeFormat("en-CA", {
    ...{ timeZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", hourCycle: "h23" },
    timeZoneName: "longOffset",
  });
  const clock = (instant: bigint) => {
    const parts = format.formatToParts(Number(instant / NS_PER_MILLISECOND));
    const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
    const day = `${of("year")}-${of("month")}-${of("day")}`;
    return { day, hour: `${day} ${of("hour")} ${of("timeZoneName")}` };
  };
  const period = { from: YEAR, to: YEAR + 365n * NS_PER_DAY };
  const near = fc.tuple(
    fc.integer({ min: 0, max: WINDOWS - 1 }),
    fc.integer({ min: -120, max: 120 }),
    fc.integer({ min: 0, max: 899 }),
  );
  for (const bucket of BUCKETS) {
    const { positionOf } = bucketsOf({ bucket, period, timeZone });
    fc.assert(
      fc.property(near, ([window, distance, second]) => {
        const other = Math.min(Math.max(window + distance, 0), WINDOWS - 1);
        const one = YEAR + BigInt(window) * WINDOW_NS;
        const two = YEAR + BigInt(other) * WINDOW_NS + BigInt(second) * NS_PER_SECOND;
        expect(positionOf(one) === positionOf(two)).toBe(clock(one)[bucket] === clock(two)[bucket]);
      }),
    );
  }
});
