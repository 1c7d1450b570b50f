/** Results for people: a table in the terminal, and the page `docs/benchmarks.md`. */
import { tableText } from "../../cmd/output/table.ts";
import type { Bound, Measurement, Ratio } from "./benchmark.ts";
import { shown } from "./interleave.ts";
import { median } from "./median.ts";
import { isWithin } from "./ratio.ts";
import { growthCells } from "./growth-cells.ts";
import type { RecordedRun } from "./recorded-run.ts";

/** By columns. */
export type Cells = readonly (readonly [title: string, texts: readonly string[]])[];

export function resultText(run: RecordedRun): string {
  const facts = Object.entries(run.facts).map(([name, value]) => `${name}: ${factText(value)}`);
  return [
    `${run.id}  ${run.title}  (${run.rounds} rounds, ${run.seconds} s)`,
    ...(run.measurements.length === 0 ? [] : [plainTable(measurementCells(run.measurements))]),
    ...(run.growth === undefined ? [] : [plainTable(growthCells(run.growth))]),
    ...(run.ratios.length === 0 ? [] : [plainTable(ratioCells(run.ratios))]),
    ...facts,
  ].join("\n");
}

export function benchmarksPage(runs: readonly RecordedRun[]): string {
  const all = runs.flatMap(({ id, ratios }) => ratios.map((ratio) => ({ id, ratio })));
  const overview: Cells = [["id", all.map(({ id }) => id)], ...ratioCells(all.map(({ ratio }) => ratio))];
  if (runs.length === 0) return `${HEAD}\n\nNothing is recorded yet.\n`;
  return [HEAD, markdownTable(overview), ...runs.map(section), ""].join("\n\n").replace(/\n+$/, "\n");
}

const HEAD = `# Benchmarks

\`\`\`sh
npm run bench                                # all of them, about two hours on two quiet cores
npm run bench -- R1 R2 --events 200000       # a quick look at some of them
\`\`\`

Each side of a ratio is measured in turns with the other (A, B, A, B …) on the same input; a ratio is that of the medians, and the range is that of the single rounds. Read the ratios: rates
belong to the machine. Wrong totals fail a benchmark. What each ratio is of is said at the top of its file in \`test/bench/benchmarks\`. This page is written by
\`npm run bench\` from \`docs/benchmarks.json\`; a quick look (\`--events\`, \`--rounds\` or \`--identities\` given) has three rounds at most and leaves it alone, unless told otherwise (\`--rounds\`, \`--write\`). [How costs grow](scale.md) is measured along with it.`;

function section(run: RecordedRun): string {
  const facts = Object.entries(run.facts).map(([name, value]) => `${name}: ${factText(value)}`);
  return [
    `## ${run.id} ${run.title}`,
    markdownTable(measurementCells(run.measurements)),
    `${run.date}, ${run.rounds} rounds in ${run.seconds} s; ${[...facts, run.machine].join("; ")}.`,
  ].join("\n\n");
}

function measurementCells(measurements: readonly Measurement[]): Cells {
  const column = (text: (measurement: Measurement) => string): readonly string[] => measurements.map(text);
  return [
    ["measured", column(({ name }) => name)],
    ["median", column(({ values }) => shown(median(values)))],
    ["lowest", column(({ values }) => shown(Math.min(...values)))],
    ["highest", column(({ values }) => shown(Math.max(...values)))],
    ["unit", column(({ unit }) => unit)],
  ];
}

function ratioCells(ratios: readonly Ratio[]): Cells {
  const column = (text: (ratio: Ratio) => string): readonly string[] => ratios.map(text);
  return [
    ["ratio", column(({ name }) => name)],
    ["median", column(({ value }) => shown(value))],
    ["range", column(({ lowest, highest }) => `${shown(lowest)}–${shown(highest)}`)],
    ["target", column(({ target }) => boundText(target))],
    ["aim", column(({ aim }) => boundText(aim))],
    ["reached", column(reached)],
  ];
}

function reached({ value, target, aim }: Ratio): string {
  if (target === null && aim === null) return "";
  if (!isWithin(value, target)) return "no";
  return aim !== null && isWithin(value, aim) ? "aim" : target === null ? "no" : "target";
}

function boundText(bound: Bound | null): string {
  if (bound === null) return "";
  return "atLeast" in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
}

export function factText(value: number | string): string {
  return typeof value === "number" ? shown(value) : value;
}

function plainTable(cells: Cells): string {
  const rows = rowsOf(cells);
  return tableText(
    cells.map(([title], index) => ({ title, text: (row: readonly string[]) => row[index] ?? "" })),
    rows,
  );
}

export function markdownTable(cells: Cells): string {
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  return [line(cells.map(([title]) => title)), `|${"---|".repeat(cells.length)}`, ...rowsOf(cells).map(line)].join(
    "\n",
  );
}

function rowsOf(cells: Cells): readonly (readonly string[])[] {
  return (cells[0]?.[1] ?? []).map((_, row) => cells.map(([, texts]) => texts[row] ?? ""));
}
