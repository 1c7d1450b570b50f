/** An invoice's totals. They follow from its lines alone, so that whoever has the lines can add them up again. */
import type { Invoice, InvoiceLine } from "../domain/invoice.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { decimal, decimalText, sumDecimals, type Decimal } from "../kernel/decimal.ts";

export type InvoiceTotals = Pick<Invoice, "subtotal" | "adjustments" | "taxes" | "net" | "tax" | "total">;

export function invoiceTotals(lines: readonly InvoiceLine[]): InvoiceTotals {
  const adjustments = merged(
    lines.flatMap((line) => line.adjustments ?? []).map(({ text: _, ...adjustment }) => adjustment),
  );
  const taxes = merged(lines.flatMap((line) => line.taxes ?? []));
  const subtotal = sumOf(lines.map((line) => line.amount));
  const net = sumOf(lines.map((line) => line.net ?? line.amount));
  const tax = sumOf(taxes.map((each) => each.amount));
  return {
    subtotal: decimalText(subtotal),
    ...(adjustments.length > 0 && { adjustments }),
    ...(taxes.length > 0 && { taxes }),
    ...(!net.eq(subtotal) && { net: decimalText(net) }),
    tax: decimalText(tax),
    total: decimalText(net.plus(tax)),
  };
}

/** A line's amount after its adjustments, without the taxes that it contains. */
export function netOf({ amount, adjustments = [], taxes = [] }: Omit<InvoiceLine, "net">): Decimal {
  const included = taxes.filter((tax) => tax.included);
  return decimal(amount)
    .plus(sumOf(adjustments.map((adjustment) => adjustment.amount)))
    .minus(sumOf(included.map((tax) => tax.amount)));
}

type Summed = { readonly amount: string; readonly base?: string };

/** One entry for all that are alike in everything but what is added up, in the order of the first of each. */
function merged<T extends Summed>(entries: readonly T[]): readonly T[] {
  const alike = Map.groupBy(entries, ({ amount: _amount, base: _base, ...rest }) => canonicalJson(rest));
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const amount = decimalText(sumOf(group.map((entry) => entry.amount)));
    const base = decimalText(sumOf(group.map((entry) => entry.base ?? "0")));
    return [{ ...first, amount, ...(first.base !== undefined && { base }) }];
  });
}

function sumOf(amounts: readonly string[]): Decimal {
  return sumDecimals(amounts.map((amount) => decimal(amount)));
}
