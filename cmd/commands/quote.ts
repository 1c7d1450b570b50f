/** `meterline quote`: prices a quantity or a file of cases with a price definition, offline. */
import { Command } from "commander";
import { quoteCases, type QuoteAnswer } from "../../src/app/quote-cases.ts";
import { readCasesFile, readQuotedPrice } from "../../src/files/read-quote-files.ts";
import { AppError } from "../../src/kernel/errors.ts";

type QuoteOptions = {
  readonly cases?: string;
  readonly price?: string;
  readonly quantity?: string;
  readonly prior?: string;
  readonly currency?: string;
  readonly breakdown?: boolean;
  readonly json?: boolean;
};

export function registerQuote(program: Command): void {
  program.addCommand(quoteCommand());
}

export function quoteCommand(): Command {
  return new Command("quote")
    .description("price a quantity, or a file of cases, offline")
    .option("--cases <file>", "JSON file with price, metering and allocation cases")
    .option("--price <file|json>", "price definition: a JSON or YAML file, or JSON text")
    .option("--quantity <decimal>", "quantity to price")
    .option("--prior <decimal>", "quantity of the same period that was billed before")
    .option("--currency <code>", "ISO 4217 code of the currency")
    .option("--breakdown", "with --json: add the steps of each amount")
    .option("--json", "machine-readable output")
    .addHelpText(
      "after",
      `
Examples:
  meterline quote --price '{"model":"per_unit","unitAmount":"0.05"}' --quantity 1000 --currency EUR
  meterline quote --cases test/golden/cases/pricing.json --json`,
    )
    .action((options: QuoteOptions) => {
      const answers = quoteCases(casesOf(options));
      process.stdout.write(options.json === true ? jsonText(answers, options.breakdown === true) : tableText(answers));
    });
}

/** The cases of the file, or the one case that the other options describe. */
function casesOf(options: QuoteOptions): unknown {
  if (options.cases !== undefined) {
    if (options.price !== undefined || options.quantity !== undefined)
      throw usageError("give either --cases, or --price with --quantity");
    return readCasesFile(options.cases);
  }
  const { price, quantity, prior, currency } = options;
  if (price === undefined || quantity === undefined || currency === undefined) {
    throw usageError("give --cases FILE, or --price, --quantity and --currency together");
  }
  return [
    {
      id: "quote",
      currency,
      price: readQuotedPrice(price),
      usage: { quantity },
      ...(prior !== undefined && { prior: { quantity: prior } }),
    },
  ];
}

function jsonText(answers: readonly QuoteAnswer[], withBreakdown: boolean): string {
  const printed = answers.map((answer) => {
    if (!("amount" in answer)) return answer;
    const { id, amount, rounded, breakdown } = answer;
    return { id, amount, rounded, ...(withBreakdown && { breakdown }) };
  });
  return `${JSON.stringify(printed, null, 2)}\n`;
}

/** One line per case with its result in a column, and the steps of the amount below it. */
function tableText(answers: readonly QuoteAnswer[]): string {
  const width = Math.max(0, ...answers.map((answer) => answer.id.length));
  const lines = answers.flatMap((answer) => {
    const steps = "breakdown" in answer ? answer.breakdown.map((step) => `${" ".repeat(width + 2)}${step.text}`) : [];
    return [`${answer.id.padEnd(width)}  ${resultText(answer)}`, ...steps];
  });
  return lines.map((line) => `${line}\n`).join("");
}

function resultText(answer: QuoteAnswer): string {
  if ("amount" in answer) return `${answer.rounded} ${answer.currency}`;
  return "quantity" in answer ? answer.quantity : answer.parts.join("  ");
}

function usageError(message: string): AppError {
  return new AppError({ code: "QUOTE_USAGE", kind: "usage", message });
}
