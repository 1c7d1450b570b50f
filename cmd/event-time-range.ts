import type { Settings } from "../src/config/settings.ts";
import { NS_PER_DAY, NS_PER_HOUR } from "../src/kernel/instant.ts";
import type { EventTimeRange } from "../src/metering/decode-context.ts";

/** How far an event's time may lie from its arrival, as the settings say. */
export function eventTimeRange({ eventTimePastDays, eventTimeFutureHours }: Settings): EventTimeRange {
  return { pastNs: BigInt(eventTimePastDays) * NS_PER_DAY, futureNs: BigInt(eventTimeFutureHours) * NS_PER_HOUR };
}
