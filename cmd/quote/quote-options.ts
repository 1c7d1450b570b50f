/** What `meterline quote` is asked: a file of cases, or one case from the other options. */
import { readCasesFile, readQuoted } from "../../src/files/read-quote-files.ts";
import { AppError } from "../../src/kernel/errors.ts";

export type QuoteOptions = {
  readonly cases?: string;
  readonly price?: string;
  readonly currency?: string;
  readonly quantity?: string;
  readonly events?: string;
  readonly cells?: string;
  readonly prior?: string;
  readonly plot?: string;
  readonly from?: string;
  readonly to?: string;
  readonly breakdown?: boolean;
  readonly json?: boolean;
};

/** The id of a case that has none because it is the only one. */
const ONLY_CASE = "quote";
const USAGE_OPTIONS = ["quantity", "events", "cells"] as const;
type UsageOption = (typeof USAGE_OPTIONS)[number];

/** Unchecked: `quoteCases` says everything that is wrong with them. */
export function casesOf(options: QuoteOptions): unknown {
  const { cases, price, currency } = options;
  if (cases !== undefined) {
    const other = (["price", "currency", "prior", ...USAGE_OPTIONS] as const).find(
      (name) => options[name] !== undefined,
    );
    if (other !== undefined)
      throw usageError(`give either --cases, or --price with its usage, but not --${other} beside --cases`);
    return listOf(readCasesFile(cases));
  }
  const given = USAGE_OPTIONS.filter((name) => options[name] !== undefined);
  const [usage] = given;
  if (price === undefined || currency === undefined || usage === undefined || given.length > 1) {
    throw usageError("give --cases FILE, or --price and --currency with one of --quantity, --events and --cells");
  }
  return [
    {
      id: ONLY_CASE,
      currency,
      price: readQuoted(price, "--price"),
      usage: usageOf(usage, options[usage] ?? ""),
      ...(options.prior !== undefined && { prior: usageOf(usage, options.prior) }),
    },
  ];
}

/** A file may hold one case alone, which then needs no id. */
function listOf(content: unknown): unknown {
  if (typeof content !== "object" || content === null || Array.isArray(content)) return content;
  return [{ id: ONLY_CASE, ...content }];
}

/** `--prior` is written in the form of the usage beside it. */
function usageOf(option: UsageOption, text: string): unknown {
  if (option === "quantity") return { quantity: text };
  if (option === "cells") return { cells: readQuoted(text, "--cells") };
  return { events: text.trim() === "" ? [] : text.split(",").map((amount) => amount.trim()) };
}

export function usageError(message: string): AppError {
  return new AppError({ code: "QUOTE_USAGE", kind: "usage", message });
}
