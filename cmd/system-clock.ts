/** The real clock, handed to the use cases: nanoseconds for instants, milliseconds for leases. */
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../src/app/ports.ts";

export const systemClock: Clock = {
  now: () => BigInt(Date.now()) * 1_000_000n,
  nowMs: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};
