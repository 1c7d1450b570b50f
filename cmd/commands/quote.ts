/** `meterline quote`: prices a quantity or a file of cases with a price definition, offline. */
import { existsSync, readFileSync } from "node:fs";
import { Command } from "commander";
import { parse as parseYaml } from "yaml";
import { quoteCases, type QuoteAnswer } from "../../src/app/quote-cases.ts";
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
    return readJson(options.cases);
  }
  const { price, quantity, prior, currency } = options;
  if (price === undefined || quantity === undefined || currency === undefined) {
    throw usageError("give --cases FILE, or --price, --quantity and --currency together");
  }
  return [
    {
      id: "quote",
      currency,
      price: readPrice(price),
      usage: { quantity },
      ...(prior !== undefined && { prior: { quantity: prior } }),
    },
  ];
}

function readPrice(argument: string): unknown {
  if (argument.trimStart().startsWith("{")) return parseText({ text: argument, source: "--price", parse: JSON.parse });
  return parseText({ text: readFile(argument), source: argument, parse: parseYaml });
}

function readJson(path: string): unknown {
  return parseText({ text: readFile(path), source: path, parse: JSON.parse });
}

function readFile(path: string): string {
  if (!existsSync(path)) {
    throw new AppError({
      code: "FILE_NOT_FOUND",
      kind: "not_found",
      message: `the file ${path} does not exist: check its path`,
    });
  }
  return readFileSync(path, "utf8");
}

function parseText(input: { text: string; source: string; parse: (text: string) => unknown }): unknown {
  try {
    return input.parse(input.text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError({
      code: "FILE_UNREADABLE",
      kind: "invalid",
      message: `${input.source} cannot be read: ${reason}`,
      cause,
    });
  }
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
