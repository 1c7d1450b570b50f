/** The real clock, handed to the use cases: nanoseconds for instants, milliseconds for leases. */
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../src/app/ports.ts";

export const systemClock: Clock = {
  now: () => BigInt(Date.now()) * 1_000_000n,
  nowMs: () => Date.now(),
  sleep: (ms, signal) => {
    const options = signal === undefined ? {} : { signal };
    // A timer takes at least a millisecond.
    return ms === 0 ? turn(undefined, options) : delay(ms, undefined, options);
  },
};
