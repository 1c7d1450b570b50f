/**
 * The materialized views of the usage chain: what a block of `usage_ingest` becomes in each table behind it. Aggregating tables keep the blocks'
 * rows as they came, because what they merge to follows from those.
 */
import type { UsageRow } from "../../../src/domain/usage-event.ts";
import { NS_PER_MINUTE } from "../../../src/kernel/instant.ts";

/** A row of `event_keys`. */
export type KeyRow = Pick<UsageRow, "eventKey" | "bodyHash" | "shard" | "incarnation" | "seq" | "position" | "cut">;
/** A row of `usage_events`. */
export type UseRow = {
  readonly meter: string;
  readonly aggregation: string;
  readonly customer: string;
  readonly windowStart: bigint;
  readonly dimensions: string;
  readonly eventTime: bigint;
  readonly source: string;
  readonly id: string;
  readonly quantity: bigint;
  readonly text: string;
  readonly cut: number;
  readonly shard: number;
  readonly incarnation: bigint;
  readonly seq: number;
};
/** A row of a window table: the part of one block that falls into one group. */
export type WindowRow = {
  /** Meter, customer, window and dimensions (of unique values: the day instead of the window, and the value). */
  readonly group: string;
  readonly cut: number;
  readonly shard: number;
  readonly incarnation: bigint;
  readonly uses: readonly UseRow[];
};

const WINDOW_NS = 15n * NS_PER_MINUTE;
const DAY_NS = 96n * WINDOW_NS;

export function keyRowsOf(rows: readonly UsageRow[]): KeyRow[] {
  return rows.filter((row) => row.verdict === "accepted");
}

export function useRowsOf(rows: readonly UsageRow[]): UseRow[] {
  return rows.filter((row) => row.verdict === "accepted").flatMap((row) => row.uses.map((use) => useRow(row, use)));
}

function useRow(row: UsageRow, use: UsageRow["uses"][number]): UseRow {
  const { customer, eventTime, source, id, cut, shard, incarnation, seq } = row;
  const { meter, aggregation, quantity, text } = use;
  const dimensions = use.dimensions.map(({ name, value }) => `${name}=${value}`).join(",");
  const windowStart = eventTime - (eventTime % WINDOW_NS);
  return {
    ...{ meter, aggregation, customer, windowStart, dimensions, eventTime, source, id, quantity, text },
    ...{ cut, shard, incarnation, seq },
  };
}

export type WindowView = { readonly table: string; readonly reads: (use: UseRow) => boolean; readonly byDay?: boolean };

export const WINDOW_VIEWS: readonly WindowView[] = [
  { table: "usage_windows", reads: () => true },
  { table: "usage_window_extremes", reads: ({ aggregation }) => aggregation === "min" || aggregation === "max" },
  { table: "usage_window_latest", reads: ({ aggregation }) => aggregation === "latest" },
  { table: "usage_window_levels", reads: ({ aggregation }) => aggregation === "time_weighted_sum" },
  { table: "usage_unique_values", reads: ({ aggregation }) => aggregation === "unique_count", byDay: true },
];

export function windowRowsOf(view: WindowView, uses: readonly UseRow[]): WindowRow[] {
  const groups = new Map<string, UseRow[]>();
  for (const use of uses) {
    if (!view.reads(use)) continue;
    const group = groupOf(view, use);
    const ofGroup = groups.get(group);
    if (ofGroup === undefined) groups.set(group, [use]);
    else ofGroup.push(use);
  }
  return [...groups].map(([group, ofGroup]) => {
    const { cut, shard, incarnation } = ofGroup[0] as UseRow;
    return { group, cut, shard, incarnation, uses: ofGroup };
  });
}

function groupOf({ byDay }: WindowView, use: UseRow): string {
  const place = byDay === true ? `${use.eventTime - (use.eventTime % DAY_NS)}|${use.text}` : use.windowStart.toString();
  return [use.meter, use.customer, place, use.dimensions].join("|");
}
