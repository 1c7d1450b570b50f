/** What the demo shows of its result, read through the same ports and views that everybody has. */
import type { Catalog } from "../../src/domain/catalog.ts";
import { measureOf } from "../../src/domain/meter.ts";
import type { Verdict } from "../../src/domain/usage-event.ts";
import { decimal, decimalText } from "../../src/kernel/decimal.ts";
import { billingPeriodContaining } from "../../src/kernel/period.ts";
import { tableText } from "../output/table.ts";
import type { Services } from "../services.ts";

export type VerdictCount = { readonly verdict: Verdict; readonly reason: string; readonly events: number };
export type UsageRow = {
  readonly customer: string;
  readonly meter: string;
  readonly aggregation: string;
  readonly quantity: string;
  readonly events: string;
};
export type LateUsage = { readonly number: string; readonly events: number };

const QUANTITY_PLACES = 6;

export async function verdictCounts({ clickhouse }: Services): Promise<readonly VerdictCount[]> {
  const rows = await clickhouse.rows<{ verdict: Verdict; reason: string; events: string }>({
    sql: "SELECT verdict, reason, count() AS events FROM finance.event_verdicts GROUP BY verdict, reason ORDER BY verdict, reason",
    doing: "counting the verdicts",
  });
  return rows.map(({ verdict, reason, events }) => ({ verdict, reason, events: Number(events) }));
}

export function verdictTable(rows: readonly VerdictCount[]): string {
  return tableText(
    [
      { title: "verdict", text: (row) => row.verdict },
      { title: "reason", text: (row) => row.reason },
      { title: "events", text: (row) => String(row.events), align: "right" },
    ],
    rows,
  );
}

/** Each customer's month in the customer's own zone, per meter, as the rating reads it. */
export async function monthlyUsage(
  services: Services,
  input: { readonly month: string; readonly cut: number },
): Promise<readonly UsageRow[]> {
  const { catalog } = await services.reader.head();
  const rows: UsageRow[] = [];
  for (const { customer, timeZone } of contractsOf(catalog)) {
    const { from, to } = billingPeriodContaining({
      interval: "month",
      anchorDay: 1,
      timeZone,
      localMonth: input.month,
    });
    for (const [meter, versions] of [...catalog.meters].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const definition = versions.at(-1)?.definition;
      if (definition === undefined) continue;
      const { aggregation } = definition;
      const query = {
        meter,
        ...measureOf(definition),
        timeZone,
        where: {},
        from,
        to,
        cut: input.cut,
        customers: [customer],
      };
      for await (const { quantity, eventCount } of services.rating.store.meteredUsage(query))
        rows.push({ customer, meter, aggregation, quantity, events: eventCount });
    }
  }
  return rows;
}

export function usageTable(rows: readonly UsageRow[]): string {
  return tableText(
    [
      { title: "customer", text: (row) => row.customer },
      { title: "meter", text: (row) => row.meter },
      { title: "aggregation", text: (row) => row.aggregation },
      { title: "quantity", text: (row) => shortened(row.quantity), align: "right" },
      { title: "events", text: (row) => row.events, align: "right" },
    ],
    rows,
  );
}

export async function lateUsage({ clickhouse }: Services): Promise<readonly LateUsage[]> {
  const rows = await clickhouse.rows<{ number: string; events: string }>({
    sql: "SELECT number, uniqExact(source, id) AS events FROM finance.late_usage GROUP BY number ORDER BY number",
    doing: "counting late usage",
  });
  return rows.map(({ number, events }) => ({ number, events: Number(events) }));
}

export function lateTable(rows: readonly LateUsage[]): string {
  return tableText(
    [
      { title: "invoice", text: (row) => row.number },
      { title: "late events", text: (row) => String(row.events), align: "right" },
    ],
    rows,
  );
}

/** What became of the other events that were published late: they are kept, but no line would have counted them. */
export function notLateText(late: readonly LateUsage[], published: number): string {
  const others = published - late.reduce((sum, { events }) => sum + events, 0);
  if (others === 0) return `All ${String(published)} would have counted for one of these invoices.`;
  return `The other ${String(others)} of the ${String(published)} are kept as well, but concern none of these invoices: their time lies outside of the month in their customer's own time zone, or the contract has no price for their meter.`;
}

export async function lineToExplain({ clickhouse }: Services): Promise<string> {
  const rows = await clickhouse.rows<{ line_id: string }>({
    sql: "SELECT line_id FROM finance.invoice_lines WHERE status = 'finalized' AND price = 'output-small' ORDER BY line_id LIMIT 1",
    doing: "choosing a line to explain",
  });
  return rows[0]?.line_id ?? "";
}

function contractsOf(catalog: Catalog): readonly { readonly customer: string; readonly timeZone: string }[] {
  return [...catalog.contracts.values()].flatMap((versions) => {
    const definition = versions.at(-1)?.definition;
    return definition === undefined ? [] : [{ customer: definition.customer, timeZone: definition.timeZone }];
  });
}

/** Only the table is shortened, never the number that is billed. */
function shortened(quantity: string): string {
  const value = decimal(quantity);
  const rounded = value.toDecimalPlaces(QUANTITY_PLACES);
  return `${decimalText(rounded)}${rounded.eq(value) ? "" : "…"}`;
}
