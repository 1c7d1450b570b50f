/** `invoice draft|finalize|list|show`: invoices of a period, by hand. */
import type { Command } from "commander";
import { draftInvoices, type DraftedInvoices } from "../../src/app/invoicing/draft-invoices.ts";
import { finalizeInvoices, type FinalizedInvoices } from "../../src/app/invoicing/finalize-invoices.ts";
import type { InvoicingSettings } from "../../src/app/invoicing/invoicing-deps.ts";
import type { InvoiceSummary } from "../../src/app/ports.ts";
import { invoiceStore } from "../../src/clickhouse/invoice-store.ts";
import type { Settings } from "../../src/config/settings.ts";
import { counted } from "../../src/kernel/counted.ts";
import { decimal } from "../../src/kernel/decimal.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { moneyText } from "../../src/kernel/money.ts";
import { withContext } from "../context.ts";
import { confirm } from "../output/confirm.ts";
import { tableText } from "../output/table.ts";
import { invoiceText } from "../invoice-text.ts";
import { openServices } from "../services.ts";

/** The series of all invoices. */
const SERIES = "INV";
const MS_PER_HOUR = 3_600_000;
const PERIOD_HELP = "a local month of each contract (2026-10), or two instants FROM/TO";

type PeriodOptions = { readonly period: string; readonly customer?: readonly string[]; readonly yes?: boolean };

export function registerInvoice(program: Command): void {
  const invoice = program.command("invoice").description("drafts, finalizes and lists invoices");
  registerDraft(invoice);
  registerFinalize(invoice);
  registerList(invoice);
  registerShow(invoice);
}

export function invoicingSettings(settings: Pick<Settings, "graceHours">): InvoicingSettings {
  return { graceMs: settings.graceHours * MS_PER_HOUR, series: SERIES };
}

function registerDraft(invoice: Command): void {
  invoice
    .command("draft")
    .description("rates the period as of now and stores what its invoices would be")
    .requiredOption("--period <period>", PERIOD_HELP)
    .option("--customer <key...>", "only these customers")
    .option("--json", "print the drafts as JSON")
    .action(async (options: PeriodOptions, command: Command) => {
      await withContext(command, async (context) => {
        const { invoicing } = await openServices(context);
        const drafted = await draftInvoices(invoicing, { period: options.period, customers: options.customer ?? [] });
        context.output.result({ text: () => draftedText(drafted), value: drafted });
      });
    });
}

function registerFinalize(invoice: Command): void {
  invoice
    .command("finalize")
    .description("gives the period's invoices their numbers; a finalized invoice never changes")
    .requiredOption("--period <period>", PERIOD_HELP)
    .option("--customer <key...>", "only these customers")
    .option("--yes", "do not ask")
    .option("--json", "print the invoices as JSON")
    .action(async (options: PeriodOptions, command: Command) => {
      const customers = options.customer ?? [];
      const whose = customers.length === 0 ? "all customers" : customers.join(", ");
      const question = `Finalize the invoices of ${whose} for ${options.period}? They can never be changed afterwards.`;
      if (options.yes !== true && !(await confirm({ question, flag: "--yes" }))) {
        process.stderr.write("Nothing was finalized.\n");
        return;
      }
      await withContext(command, async (context) => {
        const { invoicing } = await openServices(context);
        const settings = invoicingSettings(context.settings);
        const finalized = await finalizeInvoices(invoicing, { period: options.period, customers, settings });
        context.output.result({ text: () => finalizedText(finalized, options.period), value: finalized });
      });
    });
}

function registerList(invoice: Command): void {
  invoice
    .command("list")
    .description("drafts and finalized invoices")
    .option("--customer <key...>", "only these customers")
    .option("--json", "print the invoices as JSON")
    .action(async (options: { readonly customer?: readonly string[] }, command: Command) => {
      await withContext(command, async (context) => {
        const found: InvoiceSummary[] = [];
        const store = invoiceStore(context.clickhouse());
        for await (const summary of store.invoices({ customers: options.customer ?? [] })) found.push(summary);
        context.output.result({
          text: () => (found.length === 0 ? "There are no invoices yet." : invoiceTable(found)),
          value: found,
        });
      });
    });
}

function registerShow(invoice: Command): void {
  invoice
    .command("show")
    .description("one invoice with its lines")
    .argument("<invoice>", "number or id of the invoice")
    .option("--json", "print the invoice as JSON")
    .action(async (idOrNumber: string, _options: unknown, command: Command) => {
      await withContext(command, async (context) => {
        const found = await invoiceStore(context.clickhouse()).invoice(idOrNumber);
        if (found === null) {
          throw new AppError({
            code: "INVOICE_UNKNOWN",
            kind: "not_found",
            message: `There is no invoice "${idOrNumber}": \`meterline invoice list\` names them`,
          });
        }
        context.output.result({ text: () => invoiceText(found), value: found });
      });
    });
}

type Row = Pick<
  InvoiceSummary,
  "customer" | "contract" | "periodFrom" | "periodTo" | "total" | "currency" | "invoiceId"
> &
  Partial<Pick<InvoiceSummary, "number" | "status">>;

function invoiceTable(rows: readonly Row[]): string {
  return tableText(
    [
      { title: "number", text: (row) => (row.number === undefined || row.number === "" ? "(draft)" : row.number) },
      { title: "customer", text: (row) => row.customer },
      { title: "contract", text: (row) => row.contract },
      { title: "from", text: (row) => row.periodFrom },
      { title: "to", text: (row) => row.periodTo },
      { title: "total", text: (row) => moneyText(decimal(row.total), row.currency), align: "right" },
      { title: "", text: (row) => row.currency },
      { title: "id", text: (row) => row.invoiceId },
    ],
    rows,
  );
}

function draftedText({ run, drafted, finalized }: DraftedInvoices): string {
  const head = `${counted(drafted.length, "draft")} from run ${run.runId}, as of cut ${String(run.cut)}`;
  const left = finalized.length === 0 ? [] : ["", `Already finalized, left as they are:`, invoiceTable(finalized)];
  return [head, ...(drafted.length === 0 ? [] : ["", invoiceTable(drafted)]), ...left].join("\n");
}

export function finalizedText({ finalized, already, notDue }: FinalizedInvoices, period: string): string {
  const parts: string[] = [];
  if (finalized.length > 0)
    parts.push(`Finalized ${counted(finalized.length, "invoice")}:\n${invoiceTable(finalized)}`);
  if (already.length > 0) parts.push(`Already finalized:\n${invoiceTable(already)}`);
  if (notDue.length > 0) parts.push(`Not due yet: ${notDue.map((invoice) => invoice.contract).join(", ")}`);
  return parts.length === 0
    ? `No contract has a price in ${period}: there is nothing to finalize.`
    : parts.join("\n\n");
}
