/** `simulate --catalog DIR --period 2026-10`: the stored usage under changed terms, beside what it costs now. Nothing is touched. */
import type { Command } from "commander";
import { changedCatalog } from "../../src/app/simulate/changed-catalog.ts";
import { exceeds } from "../../src/app/simulate/customer-effects.ts";
import { simulatePeriod, type Simulation } from "../../src/app/simulate/simulate-period.ts";
import { closedCut } from "../../src/app/sink/closed-cut.ts";
import { readCatalogFiles } from "../../src/files/read-catalog-files.ts";
import { counted } from "../../src/kernel/counted.ts";
import { decimal, isDecimalText, type Decimal } from "../../src/kernel/decimal.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { parsePeriodArgument } from "../../src/kernel/period.ts";
import { withContext, type Context } from "../context.ts";
import { startProgress } from "../output/progress.ts";
import { openServices, type Services } from "../services.ts";
import { simulationJson, simulationText } from "../simulate/simulation-text.ts";

type SimulateOptions = {
  readonly catalog: string;
  readonly period: string;
  readonly customer?: readonly string[];
  readonly maxIncrease?: string;
  readonly cut?: string;
};
/** The options as they were read. */
type Wanted = {
  readonly directory: string;
  readonly period: string;
  readonly customers: readonly string[];
  readonly maxIncrease: Decimal | undefined;
  readonly cut: number | undefined;
};

export function registerSimulate(program: Command): void {
  program
    .command("simulate")
    .description("what a period would have cost under a changed catalog, by customer; changes nothing")
    .requiredOption("--catalog <directory>", "catalog files, as for apply")
    .requiredOption("--period <period>", "a local month of each contract (2026-10), or two instants FROM/TO")
    .option("--customer <key...>", "only these customers")
    .option("--max-increase <percent>", "exit 1 if a customer would pay more than that above the old amount: 20%")
    .option("--cut <number>", "as of this cut, as an earlier simulation named it; by default the newest that is closed")
    .option("--json", "print the amounts of all customers as JSON")
    .action(async (options: SimulateOptions, command: Command) => {
      const wanted = readOptions(options);
      await withContext(command, async (context) => {
        await simulate({ context, services: await openServices(context), wanted });
      });
    });
}

function readOptions({ catalog, period, customer, maxIncrease, cut }: SimulateOptions): Wanted {
  const percent = maxIncrease?.replace(/\s*%$/, "");
  if (percent !== undefined && (!isDecimalText(percent) || decimal(percent).isNegative()))
    throw usageError(`--max-increase is "${maxIncrease ?? ""}": write a percentage of 0 or more, such as 20%`);
  if (cut !== undefined && !/^[1-9]\d{0,8}$/.test(cut))
    throw usageError(`--cut is "${cut}": write the number of a cut, such as 12`);
  return {
    directory: catalog,
    period,
    customers: customer ?? [],
    maxIncrease: percent === undefined ? undefined : decimal(percent),
    cut: cut === undefined ? undefined : Number(cut),
  };
}

type SimulateInput = { readonly context: Context; readonly services: Services; readonly wanted: Wanted };

async function simulate({ context, services, wanted }: SimulateInput): Promise<void> {
  const { period, customers, maxIncrease } = wanted;
  const { catalog: files, unread } = readCatalogFiles(wanted.directory);
  const cut = await cutOf(services, wanted.cut);
  const state = await services.reader.head();
  const changed = changedCatalog({ state, files, unread, period: parsePeriodArgument(period) });
  const progress = startProgress({ label: `simulating ${period}`, total: 0, unit: "customers" });
  const onProgress = (done: { readonly customers: number; readonly total: number }): void => {
    progress.update(done.customers, done.total);
  };
  let simulation: Simulation;
  try {
    const deps = { store: services.rating.store, onProgress };
    simulation = await simulatePeriod(deps, { state, changed, period, customers, cut });
  } finally {
    progress.stop();
  }
  context.output.result({
    text: () => simulationText(simulation, maxIncrease),
    value: simulationJson(simulation, maxIncrease),
  });
  requireWithin(simulation, maxIncrease);
}

/** The asked one has to be closed as well: until then usage may still come to it. */
async function cutOf(services: Services, asked: number | undefined): Promise<number> {
  const { cuts, keys, shards, sinkStore } = services;
  const closed = await closedCut({ cuts, keys, shards, store: sinkStore });
  if (closed === 0 || (asked ?? closed) > closed) {
    throw new AppError({
      code: "CUT_NOT_CLOSED",
      kind: "unavailable",
      message:
        closed === 0
          ? "No cut is closed yet, so no usage is final: wait for the sink to raise it (hourly), or rate a period once"
          : `--cut is ${String(asked)}: the newest cut that is closed is ${String(closed)}`,
    });
  }
  return asked ?? closed;
}

function requireWithin({ effects }: Simulation, maxIncrease: Decimal | undefined): void {
  if (maxIncrease === undefined) return;
  const broken = effects.filter((effect) => exceeds(effect, maxIncrease)).length;
  if (broken === 0) return;
  throw new AppError({
    code: "INCREASE_TOO_HIGH",
    kind: "mismatch",
    message: `${counted(broken, "customer")} would pay more than ${maxIncrease.toFixed()} % above what they pay now`,
  });
}

function usageError(message: string): AppError {
  return new AppError({ code: "SIMULATE_USAGE", kind: "usage", message });
}
