/**
 * Which prices apply to whom and when: the parts of the contracts' billing periods, and for each part one task per price. Pure, so that a run can be planned again years later from the catalog as of the journal sequence it names.
 */
import type { EntityVersion, RateCardPrice } from "../../domain/catalog.ts";
import { measureOf, measureText, type Measure } from "../../domain/meter.ts";
import { AppError } from "../../kernel/errors.ts";
import { instantText, type Instant } from "../../kernel/instant.ts";
import type { Period } from "../../kernel/period.ts";
import type { ProrationShare } from "../../kernel/proration.ts";
import { contractParts, type ContractPart, type ContractPartsInput } from "./contract-parts.ts";
import { prorateTask } from "./prorate-task.ts";
import { sameSeries } from "./price-series.ts";
import { allowanceProblem, withAllowances, type TaskAllowance } from "./task-allowance.ts";
import { rolloverProblem, withRollover, type RolloverInput, type TaskRollover } from "./task-rollover.ts";
import { addsUp, shapeOf, type UsageShape } from "./usage-shape.ts";

/**
 * One price over one part. The chain is the unbroken run of parts of the billing period in which the price's key, meter and filter stay the
 * same: over it the usage goes on counting, so that tiers continue and minimums are due once although a version began in between.
 */
export type RatingTask = {
  readonly part: ContractPart;
  readonly price: RateCardPrice;
  /** Where amounts per billing period are prorated: the part's share of a flat price, the chain's of another. */
  readonly prorated?: ProrationShare;
  /** Free units that the price shares with others of its contract. */
  readonly allowance?: TaskAllowance;
  /** Free units that earlier billing periods may have left over. */
  readonly rollover?: TaskRollover;
  /** Absent for a flat price. */
  readonly metered?: Measure & { readonly meter: string; readonly chain: Period; readonly shape: UsageShape };
};

export type RatingPlan = { readonly parts: readonly ContractPart[]; readonly tasks: readonly RatingTask[] };

export type PlanRatingInput = ContractPartsInput & {
  /** Keys; empty: all. */
  readonly customers: readonly string[];
};

/** Throws `invalid` with every missing meter and every price that its meter cannot serve, by contract and price. */
export function planRating(input: PlanRatingInput): RatingPlan {
  checkCustomers(input);
  const wanted = new Set(input.customers);
  const parts: ContractPart[] = [];
  const tasks: RatingTask[] = [];
  const problems: string[] = [];
  for (const [, versions] of [...input.catalog.contracts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!wants(wanted, versions)) continue;
    const own = contractParts(input, versions);
    parts.push(...own);
    for (const part of own) {
      const siblings = own.filter((other) => sameBilling(other, part));
      tasks.push(...tasksOf({ ...input, siblings, part, problems }));
    }
  }
  if (problems.length > 0) {
    throw new AppError({
      code: "RATING_IMPOSSIBLE",
      kind: "invalid",
      message: `${String(problems.length)} prices cannot be rated, so nothing was: ${problems.join("; ")}`,
      details: { problems },
    });
  }
  return { parts, tasks };
}

function checkCustomers(input: PlanRatingInput): void {
  const unknown = input.customers.filter((customer) => !input.catalog.customers.has(customer));
  if (unknown.length === 0) return;
  throw new AppError({
    code: "CUSTOMER_UNKNOWN",
    kind: "not_found",
    message: `customer is "${unknown.join('", "')}": the catalog has no such key`,
  });
}

/** Of an empty set all are wanted. */
function wants(customers: ReadonlySet<string>, versions: readonly EntityVersion<"contract">[]): boolean {
  const customer = versions[0]?.definition.customer;
  return customer !== undefined && (customers.size === 0 || customers.has(customer));
}

type TasksInput = RolloverInput & {
  /** The parts of the same billing period, in order. */
  readonly siblings: readonly ContractPart[];
  readonly part: ContractPart;
  readonly problems: string[];
};

function tasksOf(input: TasksInput): readonly RatingTask[] {
  const { siblings, part, problems } = input;
  const { proration = "none" } = siblings[0]?.contract.definition ?? {};
  const tasks = part.prices.flatMap((price): RatingTask[] => {
    // Not prorated, the terms with which the billing period begins hold for all of it.
    if (price.price.model === "flat")
      return proration === "none" && siblings[0] !== part ? [] : [prorateTask({ part, price }, proration)];
    const place = `contract ${part.contract.key} version ${String(part.contract.version)}, price ${price.key}`;
    const meter = price.meter === undefined ? undefined : input.catalog.meters.get(price.meter)?.at(-1);
    if (meter === undefined) {
      problems.push(`${place}: the catalog has no meter "${price.meter ?? ""}" (apply it, or take the price out)`);
      return [];
    }
    const measure = measureText(meter.definition);
    const shape = shapeOf(price.price);
    if (shape !== "total" && !addsUp(meter.definition))
      problems.push(`${place}: its model adds up parts of the usage, which ${measure} of meter ${meter.key} has not`);
    if (price.when !== undefined && !addsUp(meter.definition))
      problems.push(
        `${place}: its hours cut the usage, and ${measure} of meter ${meter.key} does not add up over them`,
      );
    const chain = chainOf({ siblings, part, price });
    const metered = { meter: meter.key, ...measureOf(meter.definition), chain, shape };
    return [withRollover(prorateTask({ part, price, metered }, proration), input)];
  });
  const shared = withAllowances(tasks, part);
  const ofUnits = shared.flatMap((task) => [allowanceProblem(task), rolloverProblem(task)]);
  problems.push(...ofUnits.filter((problem) => problem !== null));
  return shared;
}

function sameBilling(a: ContractPart, b: ContractPart): boolean {
  return a.billing.from === b.billing.from && a.billing.to === b.billing.to;
}

function chainOf(input: { siblings: readonly ContractPart[]; part: ContractPart; price: RateCardPrice }): Period {
  const { siblings, part, price } = input;
  const { timeZone } = part.contract.definition;
  const carries = (other: ContractPart) =>
    (price.when === undefined || other.contract.definition.timeZone === timeZone) &&
    other.prices.some((candidate) => sameSeries(candidate, price));
  let { from, to }: { from: Instant; to: Instant } = part.service;
  for (const earlier of siblings.filter((other) => other.service.to <= part.service.from).reverse()) {
    if (earlier.service.to !== from || !carries(earlier)) break;
    from = earlier.service.from;
  }
  for (const later of siblings.filter((other) => other.service.from >= part.service.to)) {
    if (later.service.from !== to || !carries(later)) break;
    to = later.service.to;
  }
  return { from, to };
}

/** `<contract>/<contract version>/<period from>/<price>`. */
export function ratedLineId(task: RatingTask): string {
  const { contract, service } = task.part;
  return `${contract.key}/${String(contract.version)}/${instantText(service.from)}/${task.price.key}`;
}
