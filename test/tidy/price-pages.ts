/**
 * The pages of `docs/prices`, one per model: its price as a file, examples as commands, and what they print. The sentences with the amounts are
 * written and calculated by hand; the outputs below them and the pictures are those of `quote`.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { priceSvg } from "../../cmd/quote/plot-price.ts";
import { casesOf, type QuoteOptions } from "../../cmd/quote/quote-options.ts";
import { quoteText } from "../../cmd/quote/quote-text.ts";
import { quoteCases } from "../../src/app/quote-cases.ts";

const ROOT = join(import.meta.dirname, "../..");
export const PRICES_FOLDER = join(ROOT, "docs/prices");

/** A sentence with its amount in bold, the options of the command below it, and what that prints. */
const EXAMPLE = /\*\*(-?[\d.]+)\*\* [^]*?```sh\nbin\/meterline quote (.*)\n```\n\n```text\n([^]*?)```\n/g;

export type PriceExample = {
  /** As the sentence says it. */
  readonly amount: string;
  readonly options: QuoteOptions;
  readonly printed: string;
};

/** The names of the pages that have a price. */
export function pricePages(): readonly string[] {
  return readdirSync(PRICES_FOLDER)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => name.slice(0, -".yaml".length));
}

export function examplesOf(page: string): readonly PriceExample[] {
  return [...page.matchAll(EXAMPLE)].map(([, amount = "", options = "", printed = ""]) => ({
    amount,
    options: optionsOf(options),
    printed,
  }));
}

/** The page with what its commands print now. */
export function renewedPage(page: string): string {
  return page.replaceAll(EXAMPLE, (whole, _amount: string, options: string) =>
    whole.replace(/```text\n[^]*```\n$/, () => `\`\`\`text\n${printedBy(optionsOf(options))}\`\`\`\n`),
  );
}

export function printedBy(options: QuoteOptions): string {
  return quoteText(quoteCases(casesOf(options)));
}

export function pictureOf(name: string): string {
  return priceSvg({ price: join(PRICES_FOLDER, `${name}.yaml`), currency: "EUR" });
}

export function readPrices(name: string): string {
  return readFileSync(join(PRICES_FOLDER, name), "utf8");
}

/** `--name value` pairs as a shell would read them, with quotes. Files are named from the root of the repository. */
function optionsOf(line: string): QuoteOptions {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
  const named = words.flatMap((word, index) =>
    word.startsWith("--") ? [[word.slice(2), words[index + 1] ?? ""]] : [],
  );
  const options: Record<string, string> = Object.fromEntries(named) as Record<string, string>;
  return { ...options, ...(options["price"] !== undefined && { price: join(ROOT, options["price"]) }) };
}
