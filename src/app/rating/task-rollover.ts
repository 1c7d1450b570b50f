/**
 * Where a price's free units roll over: which billing period comes before, whose finalized invoice says what it left, and what that is. Everything comes
 * from the journal as of one sequence, so that a run repeated years later takes in the same units, and usage that came late changes none.
 */
import type { Catalog, ContractSpan, EntityVersion } from "../../domain/catalog.ts";
import type { FinalizedInvoice } from "../../domain/invoice.ts";
import type { Price } from "../../domain/price.ts";
import type { FreeUnitsGrant } from "../../domain/rated-line.ts";
import type { Rollover } from "../../domain/usage-discount.ts";
import { instantText } from "../../kernel/instant.ts";
import { billingPeriodAt, localDate, type Period } from "../../kernel/period.ts";
import { decimal } from "../../kernel/decimal.ts";
import { contractParts } from "./contract-parts.ts";
import { sameSeries } from "./price-series.ts";
import type { RatingPlan, RatingTask } from "./rating-plan.ts";
import { shapeOf } from "./usage-shape.ts";

export type TaskRollover = {
  readonly terms: Rollover;
  readonly freeUnits: string;
  /** The local date on which the billing period begins. */
  readonly granted: string;
  /** The billing period before, where the price had free units that roll over into this one. */
  readonly follows?: Period;
  /** What it left, once that is looked up. */
  readonly rolledIn: readonly FreeUnitsGrant[];
  /** The local date on which it began, where its invoice is not finalized. */
  readonly awaits?: string;
  /** The part ends the billing period, and says what is left of it. */
  readonly ends: boolean;
};

export type RolloverInput = {
  readonly catalog: Catalog;
  readonly spansOf: (versions: readonly EntityVersion<"contract">[]) => readonly ContractSpan[];
};

/** Not looked up yet. */
export function withRollover(task: RatingTask, input: RolloverInput): RatingTask {
  const { part, price, metered } = task;
  const { freeUnits, rollover: terms } = price.price.usageDiscount ?? {};
  if (terms === undefined || freeUnits === undefined || metered === undefined) return task;
  const { billing, service } = part;
  // What begins anew within the period begins with its own units alone.
  const follows = metered.chain.from === billing.from ? periodBefore(task, input) : undefined;
  const granted = localDate(billing.from, part.contract.definition.timeZone);
  const ends = service.to === billing.to;
  const rollover = { terms, freeUnits, granted, rolledIn: [], ends };
  return { ...task, rollover: { ...rollover, ...(follows !== undefined && { follows }) } };
}

/** An apply refuses it; a run must not let units lapse in silence. */
export function rolloverProblem({ part, price }: RatingTask): string | null {
  const why = whyNoRollover(price.price);
  if (why === null) return null;
  return `contract ${part.contract.key} version ${String(part.contract.version)}, price ${price.key}: ${why}`;
}

/** Why a price's free units can't roll over although it says so; null if they can, or it does not. */
export function whyNoRollover(price: Price): string | null {
  if (price.usageDiscount?.rollover === undefined) return null;
  if (price.model === "flat") return "its free units can't roll over: a flat price has no usage";
  const shape = shapeOf(price);
  return shape === "total"
    ? null
    : `its free units can't roll over: ${price.model} looks at ${shape}, not at one quantity`;
}

/** What comes before the billing period, from its scheduled beginning, if the same price had free units in it that are counted alike and roll over. */
function periodBefore({ part, price }: RatingTask, { catalog, spansOf }: RolloverInput): Period | undefined {
  const { key, definition } = part.contract;
  const to = part.billing.from;
  const { from } = billingPeriodAt(to - 1n, { timeZone: definition.timeZone, ...definition.billing });
  const period: Period = { from, to };
  const versions = catalog.contracts.get(key) ?? [];
  const last = contractParts({ catalog, spansOf, period: { kind: "range", period } }, versions).at(-1);
  if (last?.service.to !== to) return undefined;
  const before = last.prices.find((candidate) => candidate.key === price.key);
  if (before?.price.usageDiscount?.rollover === undefined) return undefined;
  return sameSeries(before, price) && countAlike(before.price, price.price) ? period : undefined;
}

/** Free units are counted in the converted unit. */
function countAlike(a: Price, b: Price): boolean {
  const sizeOf = ({ unitConversion }: Price) => decimal(unitConversion?.divideBy ?? "1");
  return sizeOf(a).eq(sizeOf(b));
}

/** By invoice id. */
export type FinalizedInvoices = ReadonlyMap<string, Pick<FinalizedInvoice, "contract" | "periodTo" | "lines">>;

/** The plan with what finalized invoices have left over for its prices. */
export function withLeftOver(plan: RatingPlan, finalized: FinalizedInvoices): RatingPlan {
  if (!plan.tasks.some(({ rollover }) => rollover?.follows !== undefined)) return plan;
  const invoices = invoicesByEnd(finalized);
  return { ...plan, tasks: plan.tasks.map((task) => lookedUp(task, invoices)) };
}

type InvoicesByEnd = ReadonlyMap<
  string,
  FinalizedInvoices extends ReadonlyMap<string, infer Invoice> ? Invoice : never
>;

function lookedUp(task: RatingTask, invoices: InvoicesByEnd): RatingTask {
  const { part, price, rollover } = task;
  if (rollover?.follows === undefined) return task;
  const periodTo = instantText(rollover.follows.to);
  const invoice = invoices.get(endOf({ contract: part.contract.key, periodTo }));
  if (invoice === undefined) {
    const awaits = localDate(rollover.follows.from, part.contract.definition.timeZone);
    return { ...task, rollover: { ...rollover, awaits } };
  }
  const line = invoice.lines.find((own) => own.price === price.key && own.periodTo === periodTo);
  return { ...task, rollover: { ...rollover, rolledIn: line?.leftOver ?? [] } };
}

/** Invoices of a contract do not overlap, so that one of them ends at an instant at most. */
function invoicesByEnd(finalized: FinalizedInvoices): InvoicesByEnd {
  return new Map([...finalized.values()].map((invoice) => [endOf(invoice), invoice]));
}

function endOf({ contract, periodTo }: { readonly contract: string; readonly periodTo: string }): string {
  return `${contract} ${periodTo}`;
}

/** Of tasks that take in what a billing period before left over, that period, by contract. */
export function followedPeriods(tasks: readonly RatingTask[]): ReadonlyMap<string, Period> {
  return new Map(
    tasks.flatMap(({ part, rollover }) =>
      rollover?.follows === undefined ? [] : [[part.contract.key, rollover.follows]],
    ),
  );
}
