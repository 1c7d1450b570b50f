/** The `biller` role: looks every hour which local months have ended, grace included, rates and drafts them, and finalizes them if told to. */
import type { Command } from "commander";
import { draftInvoices } from "../../src/app/invoicing/draft-invoices.ts";
import { knowsLeftOver } from "../../src/app/invoicing/awaited-periods.ts";
import { dueInvoices, type DueInvoices } from "../../src/app/invoicing/due-invoices.ts";
import { finalizeInvoices } from "../../src/app/invoicing/finalize-invoices.ts";
import type { InvoicingDeps, InvoicingState } from "../../src/app/invoicing/invoicing-deps.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { instantOf, instantText, type Instant } from "../../src/kernel/instant.ts";
import type { Metrics } from "../../src/telemetry/metrics.ts";
import { withContext, type Context } from "../context.ts";
import { startObservation, type Observation } from "../observe/start-observation.ts";
import { awaitServices, type Services } from "../services.ts";
import { stopSignal } from "../stop-signal.ts";
import { systemClock } from "../system-clock.ts";
import { invoicingSettings } from "./invoice.ts";

const LOOK_EVERY_MS = 60 * 60_000;
/** Whole months before the current one that are looked at; older ones are rated by hand. */
const MONTHS_BACK = 3;
const MONTHS_PER_YEAR = 12;
const MS_PER_SECOND = 1_000;

type BillerOptions = { readonly finalize?: boolean; readonly once?: boolean };
const OUTCOMES = ["drafted", "finalized", "failed"] as const;
type BilledMonth = "nothing" | (typeof OUTCOMES)[number];
type BillMonthInput = { readonly month: string; readonly finalize: boolean };

export function registerBiller(program: Command): void {
  program
    .command("biller")
    .description("the role that rates and drafts a month when it has ended for longer than the grace; looks every hour")
    .option("--finalize", "finalize the invoices as well; they never change afterwards")
    .option("--once", "look once, then end")
    .action(async (options: BillerOptions, command: Command) => {
      const stopping = stopSignal();
      await withContext(command, async (context) => {
        const { finalize = false, once = false } = options;
        // One look is over before anybody could scrape it, and may be taken beside a role that has the port.
        const settings = once ? { ...context.settings, httpPort: 0 } : context.settings;
        const observation = await startObservation({ ...context, settings, role: "biller" });
        try {
          await runBillerRole(context, stopping, { finalize, once, observation });
        } finally {
          await observation.close();
        }
      });
    });
}

export type BillerRoleOptions = {
  readonly finalize: boolean;
  readonly once: boolean;
  /** Before the first look. */
  readonly waitMs?: number;
  readonly observation: Observation;
};

/** Runs until the signal; a month under way is finished first. */
export async function runBillerRole(context: Context, signal: AbortSignal, options: BillerRoleOptions): Promise<void> {
  const { finalize, once, waitMs = 0, observation } = options;
  const services = await awaitServices(context, signal);
  if (services === null) return;
  observation.servicesOpened(services);
  const { metrics } = observation;
  for (const outcome of OUTCOMES) metrics.add("billerMonths", 0, { outcome });
  metrics.add("billerLooks", 0, {});
  await systemClock.sleep(waitMs, signal).catch(() => undefined);
  while (!signal.aborted) {
    for (const month of recentMonths(systemClock.now())) {
      if (!signal.aborted) await observed(metrics, () => billMonth(context, services, { month, finalize }));
    }
    metrics.add("billerLooks", 1, {});
    if (once) return;
    await systemClock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}

/** The last whole months, oldest first, as `--period` takes them. */
function recentMonths(now: Instant): readonly string[] {
  const [year = 0, month = 1] = instantText(now).split("-").map(Number);
  return Array.from({ length: MONTHS_BACK }, (_, index) => {
    const number = year * MONTHS_PER_YEAR + (month - 1) - (MONTHS_BACK - index);
    return `${String(Math.floor(number / MONTHS_PER_YEAR))}-${String((number % MONTHS_PER_YEAR) + 1).padStart(2, "0")}`;
  });
}

/** A month for which nothing was to be done is not counted. */
async function observed(metrics: Metrics, bill: () => Promise<BilledMonth>): Promise<void> {
  const startedMs = performance.now();
  const outcome = await bill();
  if (outcome === "nothing") return;
  metrics.add("billerMonths", 1, { outcome });
  metrics.record("billerMonthDuration", (performance.now() - startedMs) / MS_PER_SECOND, { outcome });
}

/** What fails for one month is logged and tried again at the next look; other months are not held up by it. */
async function billMonth(
  context: Context,
  services: Services,
  { month, finalize }: BillMonthInput,
): Promise<BilledMonth> {
  const { logger } = context;
  const { invoicing } = services;
  const settings = invoicingSettings(context.settings);
  try {
    const state = await invoicing.readState();
    const due = await dueInvoices(invoicing, { period: month, customers: [], settings, state });
    const { open } = due;
    if (open.length === 0 || (!finalize && (await wasDrafted(invoicing, { state, month, due })))) return "nothing";
    const customers = [...new Set(open.map((invoice) => invoice.customer))].sort();
    if (finalize) {
      const { finalized } = await finalizeInvoices(invoicing, { period: month, customers, settings });
      logger.info({ month, invoices: finalized.map((invoice) => invoice.number) }, "finalized");
      return "finalized";
    } else {
      const { run, drafted } = await draftInvoices(invoicing, { period: month, customers });
      logger.info({ month, run: run.runId, drafts: drafted.length }, "drafted");
      return "drafted";
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.kind === "broken") throw error;
    logger.error({ month, code: error.code, error: error.message }, "the month was not billed; it is tried again");
    return "failed";
  }
}

type WasDraftedInput = {
  readonly state: InvoicingState;
  readonly month: string;
  readonly due: DueInvoices;
};

/**
 * True when a run from after the due date, with the catalog of today and all that is known of what the periods before left over, covers every open
 * invoice: drafting again would only repeat it.
 */
async function wasDrafted(
  deps: Pick<InvoicingDeps, "finalizedAt">,
  { state, month, due }: WasDraftedInput,
): Promise<boolean> {
  const { open } = due;
  const dueSince = open.map((invoice) => invoice.dueFrom).reduce((a, b) => (a > b ? a : b));
  const run = state.runs.findLast(
    (candidate) =>
      candidate.period === month &&
      candidate.catalogSeq >= state.catalogSeq &&
      instantOf(candidate.cutAt, "cutAt") >= dueSince &&
      (candidate.customers.length === 0 || open.every((invoice) => candidate.customers.includes(invoice.customer))),
  );
  return run !== undefined && (await knowsLeftOver(deps, { run, due, finalized: state.finalized }));
}
