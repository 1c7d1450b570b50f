/** `quote --plot FILE.svg`: the curves of a price as a picture in a file. */
import { plotEnd } from "../../src/app/plot/plot-range.ts";
import { priceCurves } from "../../src/app/plot/price-curve.ts";
import { priceChart } from "../../src/chart/price-chart.ts";
import { parsePrice } from "../../src/domain/price.ts";
import { writeNamedFile } from "../../src/files/named-file.ts";
import { readQuoted } from "../../src/files/read-quote-files.ts";
import { currencyExponent } from "../../src/kernel/currency.ts";
import { decimal } from "../../src/kernel/decimal.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { usageError, type QuoteOptions } from "./quote-options.ts";

export type PlotPriceOptions = Pick<QuoteOptions, "price" | "currency" | "from" | "to"> & { readonly plot: string };

export function plotPrice(options: PlotPriceOptions): void {
  writeNamedFile({ path: options.plot, option: "--plot" }, priceSvg(options));
  process.stderr.write(`Drawn into ${options.plot}.\n`);
}

export function priceSvg(options: Pick<PlotPriceOptions, "price" | "currency" | "from" | "to">): string {
  const { currency } = options;
  if (options.price === undefined || currency === undefined) throw usageError("--plot needs --price and --currency");
  currencyExponent(currency);
  const price = parsePrice(readQuoted(options.price, "--price"));
  const from = quantityOf(options.from, "--from") ?? decimal("0");
  const to = quantityOf(options.to, "--to") ?? plotEnd({ price, currency });
  const curves = priceCurves({ price, currency, from, to });
  const title = `${price.model.replaceAll("_", " ")} price in ${currency}`;
  return priceChart({ title: `${title.slice(0, 1).toUpperCase()}${title.slice(1)}`, currency, curves, from, to });
}

function quantityOf(text: string | undefined, option: string) {
  if (text === undefined) return undefined;
  try {
    return decimal(text);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw usageError(`${option} is "${text}": write a quantity such as "1000"`);
  }
}
