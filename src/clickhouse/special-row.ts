/**
 * Which of the two entrances to the usage chain a row needs. Each view of an insert costs the engine 2 to 3 ms of planning, whether it gets a row or not, and
 * eight of thirteen are for aggregations and decisions that most batches have none of: a third of what a small batch cost (2026-11-28).
 */
import type { Aggregation } from "../domain/meter.ts";
import { QUARANTINE_PREFIX } from "../domain/quarantine.ts";
import type { DecodedEvent, UsageRow } from "../domain/usage-event.ts";

/** All that they need is in `usage_windows` and `usage_events`. A change here is one of the schema: a plan that is open would go through the other entrance. */
export const ORDINARY: ReadonlySet<Aggregation> = new Set(["count", "sum", "average", "percentile"]);

/** True when a view that hangs on `usage_ingest_special` takes something of the row. */
export function isSpecial({ subject, uses, retraction }: DecodedEvent | UsageRow): boolean {
  return (
    retraction !== undefined ||
    uses.some(({ aggregation }) => !ORDINARY.has(aggregation)) ||
    subject.startsWith(QUARANTINE_PREFIX)
  );
}
