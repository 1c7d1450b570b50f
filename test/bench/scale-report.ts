/** `docs/scale.md`: what each size costs and how it grows, with a picture per axis. */
import { growthCells } from "./growth-cells.ts";
import { growthChart } from "./growth-chart.ts";
import { growthSteps } from "./growth.ts";
import { shown } from "./interleave.ts";
import { PROCESSES } from "./pipeline-use.ts";
import type { RecordedRun } from "./recorded-run.ts";
import { factText, markdownTable } from "./report.ts";

export function scalePage(runs: readonly RecordedRun[]): string {
  if (runs.length === 0) return `${HEAD}\n\nNothing is recorded yet.\n`;
  return `${[HEAD, summary(runs), ...runs.map(section)].join("\n\n")}\n`;
}

/** By their names in `docs/scale`. */
export function scalePictures(runs: readonly RecordedRun[]): Readonly<Record<string, string>> {
  return Object.fromEntries(runs.map((run) => [pictureName(run), pictureOf(run)]));
}

const HEAD = `# How costs grow

\`\`\`sh
npm run bench -- scale                       # S1 to S5, about half an hour on two quiet cores
npm run bench -- S4 --scale 0.05             # a quick look at some of it, at a twentieth of the sizes
\`\`\`

The same is measured at several sizes, and the totals have to be right at each. Between two sizes the exponent is log(cost ratio) ÷ log(size ratio): 1 is a cost that grows with the size, 0 one that
does not. Beside it stands the exponent that n log n has between the same two sizes; what an event costs *beside* a size may only grow by the logarithm. A difference of a tenth is taken for noise.
Costs of events are seconds of a core that nats-server, the sink and ClickHouse used together, so that other work on the machine is not in them; times of queries, of a start and of rating are those of a clock, and
medians where there are rounds; these depend on what else the machine does. What is done at each size is said at the top of its file in \`test/bench/benchmarks\`. This page and its pictures are written by \`npm run bench\` from \`docs/scale.json\`; [what a
cluster for a million events per second takes](capacity.md) is computed from it.`;

function summary(runs: readonly RecordedRun[]): string {
  const steps = runs.flatMap(({ id, growth }) =>
    growth === undefined ? [] : growthSteps(growth).map((step) => ({ id, ...step })),
  );
  const worse = steps.filter(({ holds }) => !holds);
  if (worse.length === 0) return `None of the ${steps.length} steps between two sizes grows faster than n log n.`;
  const listed = worse.map(
    ({ id, name, from, to, exponent, allowed }) =>
      `- ${id}, ${name}, from ${shown(from)} to ${shown(to)}: ${exponent.toFixed(2)}, and n log n has ${allowed.toFixed(2)}`,
  );
  return [
    `Of the ${steps.length} steps between two sizes ${worse.length} ${worse.length === 1 ? "grows" : "grow"} faster than n log n:`,
    "",
    ...listed,
  ].join("\n");
}

function section(run: RecordedRun): string {
  const facts = Object.entries(run.facts).map(([name, value]) => `${name}: ${factText(value)}`);
  const table = run.growth === undefined ? "" : markdownTable(growthCells(run.growth));
  return [
    `## ${run.id} ${run.title}`,
    table,
    `![${run.title}: costs as multiples of those at the smallest size](scale/${pictureName(run)})`,
    `${run.date}, in ${run.seconds} s; ${[...facts, run.machine].join("; ")}.`,
  ].join("\n\n");
}

function pictureName({ id }: RecordedRun): string {
  return `${id.toLowerCase()}.svg`;
}

/** The parts of the pipeline follow its whole: drawn is the whole. */
function pictureOf({ title, growth = { axis: "", points: [] } }: RecordedRun): string {
  const names = growth.points[0]?.costs.map(({ name }) => name) ?? [];
  const drawn = names.filter((name) => !PROCESSES.some((process) => process === name));
  return growthChart({ title, growth, names: drawn });
}
