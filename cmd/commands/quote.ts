/** `meterline quote`: prices a quantity or a file of cases with a price definition, offline. */
import { Command } from "commander";
import { quoteCases, type QuoteAnswer } from "../../src/app/quote-cases.ts";
import { casesOf, type QuoteOptions } from "../quote/quote-options.ts";
import { plotPrice } from "../quote/plot-price.ts";
import { quoteText } from "../quote/quote-text.ts";

export function registerQuote(program: Command): void {
  // A command that is made apart does not take over that errors are thrown: it would end the process with 1.
  program.addCommand(quoteCommand().copyInheritedSettings(program));
}

export function quoteCommand(): Command {
  return new Command("quote")
    .description("price a quantity, or a file of cases, offline")
    .option("--cases <file>", "JSON or YAML file with price, metering and allocation cases, or with one case")
    .option("--price <file|json>", "price definition: a JSON or YAML file, or JSON text")
    .option("--currency <code>", "ISO 4217 code of the currency")
    .option("--quantity <decimal>", "quantity to price")
    .option("--events <decimals>", "amounts of single events, in their order, with commas between them")
    .option("--cells <file|json>", 'quantities by dimensions: [{"match":{"region":"eu"},"quantity":"10"}]')
    .option("--prior <usage>", "what was billed before in the same period, in the form of the usage")
    .option("--plot <file.svg>", "draw the price's total and its price per unit over the quantity")
    .option("--from <decimal>", "with --plot: quantity on the left, 0 unless given")
    .option("--to <decimal>", "with --plot: quantity on the right, beyond all bounds of the price unless given")
    .option("--breakdown", "with --json: add the steps of each amount")
    .option("--json", "machine-readable output")
    .addHelpText(
      "after",
      `
Examples:
  meterline quote --price '{"model":"per_unit","unitAmount":"0.05"}' --quantity 1000 --currency EUR
  meterline quote --price price.yaml --currency EUR --events 12.50,40,7
  meterline quote --price price.yaml --currency EUR --plot price.svg --to 5000
  meterline quote --cases test/golden/cases/pricing.json --json`,
    )
    .action((options: QuoteOptions, command: Command) => {
      const { json, breakdown, plot } = command.optsWithGlobals<QuoteOptions>();
      if (plot !== undefined) {
        plotPrice({ ...options, plot });
        return;
      }
      const answers = quoteCases(casesOf(options));
      process.stdout.write(json === true ? jsonText(answers, breakdown === true) : quoteText(answers));
    });
}

function jsonText(answers: readonly QuoteAnswer[], withBreakdown: boolean): string {
  const printed = answers.map((answer) => {
    if (!("amount" in answer)) return answer;
    const { id, amount, rounded, breakdown } = answer;
    return { id, amount, rounded, ...(withBreakdown && { breakdown }) };
  });
  return `${JSON.stringify(printed, null, 2)}\n`;
}
