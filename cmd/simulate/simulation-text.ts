/** A simulation for people and as JSON. */
import {
  currencyEffects,
  exceeds,
  shownEffect,
  type CustomerEffect,
  type ShownEffect,
} from "../../src/app/simulate/customer-effects.ts";
import type { Simulation } from "../../src/app/simulate/simulate-period.ts";
import { decimal, type Decimal } from "../../src/kernel/decimal.ts";
import { moneyText } from "../../src/kernel/money.ts";
import { tableText, type Column } from "../output/table.ts";

/** Customers printed to people; all of them are in the JSON. */
const CUSTOMERS_SHOWN = 50;

type Row = ShownEffect & { readonly currency: string };

export function simulationText(simulation: Simulation, maxIncrease: Decimal | undefined): string {
  const { period, cut, catalogSeq, changes, effects } = simulation;
  const changed = effects.filter((effect) => !effect.before.eq(effect.after));
  const totals = tableText(
    [
      { title: "currency", text: (row) => row.currency },
      { title: "customers", text: (row) => String(row.customers), align: "right" },
      { title: "changed", text: (row) => String(row.changed), align: "right" },
      ...amountColumns(),
    ],
    currencyEffects(effects),
  );
  return [
    `${period} as of cut ${String(cut)}, catalog at journal entry ${String(catalogSeq)}, with ${String(changes.length)} changed entities as if their terms had always held`,
    "",
    effects.length === 0 ? "No contract has a price in this period." : totals,
    ...(changed.length === 0 ? [] : ["", customersText(changed, maxIncrease)]),
  ].join("\n");
}

export function simulationJson({ effects, ...facts }: Simulation, maxIncrease: Decimal | undefined): unknown {
  return {
    ...facts,
    totals: currencyEffects(effects),
    ...(maxIncrease !== undefined && {
      limit: {
        maxIncreasePercent: maxIncrease.toFixed(),
        exceededBy: effects.filter((effect) => exceeds(effect, maxIncrease)).length,
      },
    }),
    customers: effects.map((effect) => ({
      ...rowOf(effect),
      ...(maxIncrease !== undefined && { exceeds: exceeds(effect, maxIncrease) }),
    })),
  };
}

function customersText(changed: readonly CustomerEffect[], maxIncrease: Decimal | undefined): string {
  const shown = changed.slice(0, CUSTOMERS_SHOWN);
  const table = tableText(
    [
      { title: "customer", text: (row) => row.customer },
      ...amountColumns(),
      { title: "", text: (row) => row.currency },
      { title: "", text: (row) => (row.over ? "above the limit" : "") },
    ],
    shown.map((effect) => ({ ...rowOf(effect), over: maxIncrease !== undefined && exceeds(effect, maxIncrease) })),
  );
  const more = changed.length - shown.length;
  return more > 0 ? `${table}\n… and ${String(more)} more customers with another amount: --json has all` : table;
}

function rowOf(effect: CustomerEffect): Row & { readonly customer: string } {
  const { customer, currency } = effect;
  return { customer, currency, ...shownEffect(effect) };
}

function amountColumns<R extends Row>(): readonly Column<R>[] {
  const money = (text: string, { currency }: Row): string => moneyText(decimal(text), currency);
  return [
    { title: "old", text: (row) => money(row.old, row), align: "right" },
    { title: "new", text: (row) => money(row.new, row), align: "right" },
    { title: "difference", text: (row) => signed(money(row.difference, row)), align: "right" },
    { title: "percent", text: (row) => (row.percent === null ? "from 0" : `${signed(row.percent)} %`), align: "right" },
  ];
}

function signed(text: string): string {
  return text.startsWith("-") || /^0(\.0*)?$/.test(text) ? text : `+${text}`;
}
