/** One invoice for people: its lines, and the way from the subtotal to the total. */
import type { StoredInvoice } from "../src/app/ports.ts";
import { decimal } from "../src/kernel/decimal.ts";
import { moneyText } from "../src/kernel/money.ts";
import { tableText } from "./output/table.ts";

export function invoiceText({ invoice, lines, adjustments, taxes }: StoredInvoice): string {
  const { currency } = invoice;
  const money = (text: string): string => moneyText(decimal(text), currency);
  const state = invoice.status === "draft" ? "draft" : `finalized ${invoice.finalizedAt}`;
  const table = tableText(
    [
      { title: "line", text: (line) => line.lineId },
      { title: "description", text: (line) => line.description },
      { title: "quantity", text: (line) => line.quantity, align: "right" },
      { title: "events", text: (line) => line.eventCount, align: "right" },
      { title: "amount", text: (line) => money(line.amount), align: "right" },
    ],
    lines,
  );
  return [
    `${invoice.number === "" ? invoice.invoiceId : invoice.number}  ${invoice.customer}  ${invoice.contract}  ${state}`,
    `${invoice.periodFrom} to ${invoice.periodTo} (not part of it), run ${invoice.runId}, as of cut ${String(invoice.cut)}`,
    "",
    table,
    "",
    ...totalLines({ invoice, adjustments, taxes }),
    `Merkle root ${invoice.merkleRoot}`,
  ].join("\n");
}

function totalLines({ invoice, adjustments, taxes }: Omit<StoredInvoice, "lines">): string[] {
  const { currency } = invoice;
  const money = (text: string): string => `${moneyText(decimal(text), currency)} ${currency}`;
  const total = `Total ${money(invoice.total)}`;
  if (adjustments.length === 0 && taxes.length === 0) return [total];
  return [
    `Subtotal ${money(invoice.subtotal)}`,
    ...adjustments.map(
      ({ kind, name, amount }) => `  ${kind === "maximum" ? `${name} (maximum)` : name} ${money(amount)}`,
    ),
    `Before tax ${money(invoice.net)}`,
    ...taxes.map((tax) => `  ${taxText(tax, money)}`),
    total,
  ];
}

function taxText(tax: StoredInvoice["taxes"][number], money: (text: string) => string): string {
  if (tax.kind === "rate")
    return `${tax.name} ${tax.rate} % ${tax.included ? "contained in" : "on"} ${money(tax.base)}: ${money(tax.amount)}`;
  const kind = tax.kind === "reverse_charge" ? "Reverse charge" : "Exempt from tax";
  return `${kind} on ${money(tax.base)}: ${tax.reason}`;
}
