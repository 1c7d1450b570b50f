/** `rate --period 2026-10`: rates a period from the usage known now; `rate --repeat RUN` rates a recorded run again and compares. */
import type { Command } from "commander";
import { ratePeriod, type RatePeriodInput } from "../../src/app/rating/rate-period.ts";
import { restoreRun, type RestoredRun } from "../../src/app/rating/repeat-run.ts";
import type { RatingRunEntry } from "../../src/domain/journal-entry.ts";
import type { RatedLine } from "../../src/domain/rated-line.ts";
import { counted } from "../../src/kernel/counted.ts";
import { decimal } from "../../src/kernel/decimal.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { moneyText } from "../../src/kernel/money.ts";
import { withContext, type Context } from "../context.ts";
import { startProgress } from "../output/progress.ts";
import { tableText } from "../output/table.ts";
import { openServices, type Services } from "../services.ts";

/** Printed to people; all lines are in finance.rated_lines, and in the JSON. */
const LINES_SHOWN = 200;

type RateOptions = {
  readonly period?: string;
  readonly customer?: readonly string[];
  readonly repeat?: string;
  readonly resume?: boolean;
};

export function registerRate(program: Command): void {
  program
    .command("rate")
    .description("rates a period from the usage known now, or repeats a recorded run")
    .option("--period <period>", "a local month of each contract (2026-10), or two instants FROM/TO")
    .option("--customer <key...>", "only these customers")
    .option("--resume", "go on with the last run of this period and these customers, as of its cut, if it died")
    .option("--repeat <run>", "rate this recorded run again, compare, and write lines that are missing")
    .option("--json", "print the result as JSON")
    .action(async (options: RateOptions, command: Command) => {
      const wanted = readOptions(options);
      await withContext(command, async (context) => {
        const services = await openServices(context);
        if ("repeat" in wanted) await repeat(context, services, wanted.repeat);
        else await rate(context, services, wanted);
      });
    });
}

type Wanted = { readonly repeat: string } | RatePeriodInput;

function readOptions({ period, customer, repeat: runId, resume = false }: RateOptions): Wanted {
  if (runId !== undefined && period === undefined && customer === undefined && !resume) return { repeat: runId };
  if (period !== undefined && runId === undefined) return { period, customers: customer ?? [], resume };
  throw new AppError({
    code: "RATE_USAGE",
    kind: "usage",
    message:
      "give --period 2026-10 (and --customer, if only some, and --resume after a run that died), or --repeat RUN",
  });
}

async function rate(context: Context, services: Services, input: RatePeriodInput): Promise<void> {
  const progress = startProgress({ label: `rating ${input.period}`, total: 0, unit: "lines" });
  const onProgress = ({ lines, total }: { readonly lines: number; readonly total: number }): void => {
    progress.update(lines, total);
  };
  let run: RatingRunEntry;
  try {
    run = await ratePeriod({ ...services.rating, onProgress }, input);
  } finally {
    progress.stop();
  }
  const lines: RatedLine[] = [];
  for await (const { line } of services.rating.store.ratedLines({ runId: run.runId, customers: [] })) {
    lines.push(line);
    if (!context.output.json && lines.length >= LINES_SHOWN) break;
  }
  context.output.result({ text: () => runText(run, lines), value: { run, lines } });
}

function runText(run: RatingRunEntry, lines: readonly RatedLine[]): string {
  const head = `Run ${run.runId}: ${counted(run.lines, "line")} for ${run.period}, as of cut ${String(run.cut)}, catalog at journal entry ${String(run.catalogSeq)}`;
  const more =
    run.lines > lines.length
      ? `\n… and ${String(run.lines - lines.length)} more: SELECT * FROM finance.rated_lines WHERE run_id = '${run.runId}'`
      : "";
  if (lines.length === 0) return `${head}\nNo contract has a price in this period.`;
  return `${head}\n\n${lineTable(lines)}${more}`;
}

function lineTable(lines: readonly RatedLine[]): string {
  return tableText(
    [
      { title: "customer", text: (line) => line.customer },
      { title: "contract", text: (line) => `${line.contract} v${String(line.contractVersion)}` },
      { title: "price", text: (line) => line.price },
      { title: "from", text: (line) => line.periodFrom },
      { title: "to", text: (line) => line.periodTo },
      { title: "quantity", text: (line) => line.quantity, align: "right" },
      { title: "events", text: (line) => line.eventCount, align: "right" },
      { title: "amount", text: (line) => moneyText(decimal(line.amountRounded), line.currency), align: "right" },
      { title: "", text: (line) => line.currency },
    ],
    lines,
  );
}

async function repeat(context: Context, services: Services, runId: string): Promise<void> {
  const restored = await restoreRun(services.rating, runId);
  context.output.result({ text: () => restoredText(restored), value: restored });
  if (restored.exact) return;
  throw new AppError({
    code: "RUN_NOT_REPEATED",
    kind: "mismatch",
    message: `Run ${runId} does not come out as recorded: run \`meterline verify\``,
  });
}

function restoredText({ run, linesHash, exact, rewritten, differing }: RestoredRun): string {
  const written = rewritten > 0 ? ` ${String(rewritten)} missing lines were written again.` : "";
  if (exact)
    return `Run ${run.runId} rated again: ${counted(run.lines, "line")}, the same bytes (${linesHash}).${written}`;
  const lines = differing.map((lineId) => `  ${lineId}`);
  return [
    `Run ${run.runId} recorded ${run.linesHash}, rated again gives ${linesHash}.${written}`,
    ...(lines.length > 0 ? ["Stored lines that differ:", ...lines] : []),
  ].join("\n");
}
