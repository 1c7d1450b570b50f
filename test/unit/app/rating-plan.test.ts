/** Which prices apply to whom and when. */
import { describe, expect, test } from "vitest";
import { planRating, ratedLineId, type RatingPlan } from "../../../src/app/rating/rating-plan.ts";
import type { Catalog } from "../../../src/domain/catalog.ts";
import { WEEKDAYS, type HoursSpan, type PriceHours, type Weekday } from "../../../src/domain/price-hours.ts";
import { instantText } from "../../../src/kernel/instant.ts";
import { parsePeriodArgument, periodText } from "../../../src/kernel/period.ts";
import { billingCatalog, priceOf, testSpans, type TestContract } from "../../support/billing-catalog.ts";

const FEE = priceOf({ key: "fee", price: { model: "flat", amount: "10" } });
const SUM = priceOf({ key: "tokens", meter: "m-sum", price: { model: "per_unit", unitAmount: "1" } });
const OPEN = "2026-01-01T00:00:00Z";
const WHOLE = "2026-10-01T00:00:00Z/2026-11-01T00:00:00Z";
const WHOLE_TWICE = [WHOLE, WHOLE];
const CUT = ["2026-10-01T00:00:00Z/2026-10-10T00:00:00Z", "2026-10-10T00:00:00Z/2026-11-01T00:00:00Z"];
const NIGHTS: PriceHours = { in: [{ days: WEEKDAYS, from: "20:00", to: "08:00" }] };

describe("periods", () => {
  test("a local month in the contract's zone, across the end of summer time", () => {
    const plan = planned([
      { key: "k", customer: "acme", timeZone: "Europe/Berlin", versions: [{ from: OPEN, prices: [SUM] }] },
    ]);
    expect(plan.parts.map((part) => periodText(part.service))).toEqual(["2026-09-30T22:00:00Z/2026-10-31T23:00:00Z"]);
  });

  test("a contract that begins and ends inside the month covers its own part of it", () => {
    const from = "2026-10-05T00:00:00Z";
    const plan = planned([
      { key: "k", customer: "acme", from, to: "2026-10-20T00:00:00Z", versions: [{ from, prices: [FEE, SUM] }] },
    ]);
    expect(plan.parts.map((part) => periodText(part.service))).toEqual(["2026-10-05T00:00:00Z/2026-10-20T00:00:00Z"]);
    expect(plan.parts.map((part) => periodText(part.billing))).toEqual(["2026-10-01T00:00:00Z/2026-11-01T00:00:00Z"]);
    expect(plan.tasks.map((task) => ratedLineId(task))).toEqual([
      "k/1/2026-10-05T00:00:00Z/fee",
      "k/1/2026-10-05T00:00:00Z/tokens",
    ]);
  });

  test("a contract outside of the month has no part", () => {
    expect(
      planned([{ key: "k", customer: "acme", to: "2026-10-01T00:00:00Z", versions: [{ from: OPEN, prices: [SUM] }] }])
        .parts,
    ).toEqual([]);
  });

  test("two instants are the period of every contract", () => {
    const contract: TestContract = {
      key: "k",
      customer: "acme",
      timeZone: "Asia/Tokyo",
      versions: [{ from: OPEN, prices: [SUM] }],
    };
    const plan = planned([contract], "2026-10-03T00:00:00Z/2026-10-04T00:00:00Z");
    expect(plan.parts.map((part) => periodText(part.billing))).toEqual(["2026-10-03T00:00:00Z/2026-10-04T00:00:00Z"]);
  });
});

describe("contract versions inside a period", () => {
  const later = "2026-10-10T00:00:00Z";

  test.each<
    readonly [what: string, before: PriceHours | undefined, after: PriceHours | undefined, chains: readonly string[]]
  >([
    ["split", working(), { in: [...inOf(working("mon", "tue")), ...inOf(working("wed", "thu", "fri"))] }, WHOLE_TWICE],
    [
      "said by what they are not",
      { not: inOf(NIGHTS) },
      { in: [{ days: WEEKDAYS, from: "08:00", to: "20:00" }] },
      WHOLE_TWICE,
    ],
    [
      "of the whole week and not said",
      { in: [{ days: WEEKDAYS, from: "00:00", to: "24:00" }] },
      undefined,
      WHOLE_TWICE,
    ],
    ["that differ", working(), working("mon"), CUT],
  ])("hours %s", (_, before, after, expected) => {
    const at = (when: PriceHours | undefined) => [{ ...SUM, ...(when !== undefined && { when }) }];
    const versions = [
      { from: OPEN, prices: at(before) },
      { from: later, prices: at(after) },
    ];
    expect(chains(planned([{ key: "k", customer: "acme", versions }]))).toEqual(expected);
  });

  test("usage goes on counting while key, meter and filter of the price stay the same", () => {
    const dearer = { ...SUM, price: { model: "per_unit", unitAmount: "2" } as const };
    const plan = planned([
      {
        key: "k",
        customer: "acme",
        versions: [
          { from: OPEN, prices: [SUM] },
          { from: later, prices: [dearer] },
        ],
      },
    ]);
    expect(chains(plan)).toEqual([
      "2026-10-01T00:00:00Z/2026-11-01T00:00:00Z",
      "2026-10-01T00:00:00Z/2026-11-01T00:00:00Z",
    ]);
  });

  test("another filter, meter or a gap begins anew", () => {
    const filtered = { ...SUM, where: { region: "eu" } };
    const plan = planned([
      {
        key: "k",
        customer: "acme",
        versions: [
          { from: OPEN, prices: [SUM] },
          { from: later, prices: [filtered] },
          { from: "2026-10-20T00:00:00Z", prices: [SUM] },
        ],
      },
    ]);
    expect(chains(plan)).toEqual([
      "2026-10-01T00:00:00Z/2026-10-10T00:00:00Z",
      "2026-10-10T00:00:00Z/2026-10-20T00:00:00Z",
      "2026-10-20T00:00:00Z/2026-11-01T00:00:00Z",
    ]);
  });

  test("overrides replace the card's prices by key", () => {
    const catalog = billingCatalog([{ key: "k", customer: "acme", versions: [{ from: OPEN, prices: [FEE, SUM] }] }]);
    const [version] = catalog.contracts.get("k") ?? [];
    if (version === undefined) throw new Error("no contract");
    const override = priceOf({ key: "fee", price: { model: "flat", amount: "3" } });
    const contracts = new Map([["k", [{ ...version, definition: { ...version.definition, overrides: [override] } }]]]);
    const plan = planCatalog({ ...catalog, contracts });
    expect(plan.tasks.map((task) => task.price)).toEqual([override, SUM]);
  });
});

describe("a ramp", () => {
  const steps = [
    { fromMonth: 2, price: { model: "per_unit", unitAmount: "2" } as const },
    { fromMonth: 4, price: { model: "per_unit", unitAmount: "3" } as const },
  ];
  const amountIn = (from: string, period: string): string => {
    const prices = [{ ...SUM, ramp: steps }];
    const plan = planned(
      [{ key: "k", customer: "acme", timeZone: "Europe/Berlin", from, versions: [{ from, prices }] }],
      period,
    );
    const price = plan.tasks[0]?.price.price;
    return price?.model === "per_unit" ? price.unitAmount : "none";
  };

  test("counts the contract's billing periods from the one in which it begins", () => {
    const amounts = ["2026-07", "2026-08", "2026-09", "2026-10", "2027-07"].map((month) =>
      amountIn("2026-07-31T10:00:00Z", month),
    );
    expect(amounts).toEqual(["1", "2", "2", "3", "3"]);
  });

  // 22:00 UTC on the last of June is July in Berlin.
  test("in the contract's zone", () => {
    expect(["2026-07", "2026-08"].map((month) => amountIn("2026-06-30T22:00:00Z", month))).toEqual(["1", "2"]);
    expect(["2026-07", "2026-08"].map((month) => amountIn("2026-06-30T21:45:00Z", month))).toEqual(["2", "2"]);
  });
});

describe("what cannot be rated", () => {
  test("every missing meter, and every meter that its price cannot add up, all at once", () => {
    const matrix = priceOf({
      key: "mx",
      meter: "m-max",
      price: { model: "matrix", dimensions: ["a"], cells: [{ match: { a: "x" }, unitAmount: "1" }] },
    });
    const perEvent = priceOf({
      key: "pc",
      meter: "m-latest",
      price: { model: "percentage", rate: "1", fixedAmount: "0.1" },
    });
    const prices = [{ ...SUM, meter: "m-gone" }, matrix, perEvent];
    const run = () => planned([{ key: "k", customer: "acme", versions: [{ from: OPEN, prices }] }]);
    expect(run).toThrow(
      /3 prices cannot be rated.*m-gone.*price mx: .*max of meter m-max.*price pc: .*latest of meter/,
    );
  });

  test("a customer that does not exist", () => {
    const catalog = billingCatalog([{ key: "k", customer: "acme", versions: [{ from: OPEN, prices: [FEE] }] }]);
    expect(() =>
      planRating({ catalog, period: parsePeriodArgument("2026-10"), customers: ["nobody"], spansOf: testSpans }),
    ).toThrow(/"nobody"/);
  });

  test("a rate card version that the journal lacks is a broken invariant", () => {
    const catalog = billingCatalog([{ key: "k", customer: "acme", versions: [{ from: OPEN, prices: [FEE] }] }]);
    expect(() => planCatalog({ ...catalog, rateCards: new Map() })).toThrow(/pins version 1 of rate card card-k/);
  });
});

function planned(contracts: readonly TestContract[], period = "2026-10"): RatingPlan {
  return planCatalog(billingCatalog(contracts), period);
}

function planCatalog(catalog: Catalog, period = "2026-10"): RatingPlan {
  return planRating({ catalog, period: parsePeriodArgument(period), customers: [], spansOf: testSpans });
}

function chains(plan: RatingPlan): readonly string[] {
  return plan.tasks.map(({ metered }) =>
    metered === undefined ? "" : `${instantText(metered.chain.from)}/${instantText(metered.chain.to)}`,
  );
}

function working(...days: readonly Weekday[]): PriceHours {
  return { in: [{ days: days.length > 0 ? days : WEEKDAYS.slice(0, 5), from: "08:00", to: "20:00" }] };
}

function inOf(hours: PriceHours): readonly HoursSpan[] {
  return "in" in hours ? hours.in : [];
}
