/** What a benchmark measured, as a table for people and as JSON. */
import { tableText } from "../../cmd/output/table.ts";
import { median } from "./median.ts";

type Row = {
  readonly step: string;
  readonly title: string;
  /** Events per second of each round. */
  readonly rates: readonly number[];
  readonly ratio: number;
};
export type Result = {
  readonly title: string;
  readonly ratioTitle: string;
  readonly rows: readonly Row[];
  /** Whatever else was measured or given. */
  readonly facts: Readonly<Record<string, number>>;
};

export function resultText({ title, ratioTitle, rows, facts }: Result): string {
  const columns = [
    { title, text: (row: Row) => row.title },
    { title: "events/s", text: (row: Row) => String(Math.round(median(row.rates))), align: "right" as const },
    { title: "lowest", text: (row: Row) => String(Math.round(Math.min(...row.rates))), align: "right" as const },
    { title: "highest", text: (row: Row) => String(Math.round(Math.max(...row.rates))), align: "right" as const },
    { title: ratioTitle, text: (row: Row) => row.ratio.toFixed(2), align: "right" as const },
  ];
  const more = Object.entries(facts).map(([name, value]) => `${name}: ${value}`);
  return [tableText(columns, rows), ...more].join("\n");
}

export function resultJson({ title, rows, facts }: Result): string {
  const steps = rows.map(({ step, rates, ratio }) => ({
    step,
    eventsPerSecond: Math.round(median(rates)),
    lowest: Math.round(Math.min(...rates)),
    highest: Math.round(Math.max(...rates)),
    ratio: Number(ratio.toFixed(3)),
  }));
  return JSON.stringify({ title, steps, ...facts }, null, 2);
}
