/** The answers of `meterline quote` for people: each amount with the table of its breakdown, quantities and parts as one line. */
import type { QuoteAnswer } from "../../src/app/quote-cases.ts";
import { tableText } from "../output/table.ts";

type PricedAnswer = Extract<QuoteAnswer, { readonly amount: string }>;
type Step = PricedAnswer["breakdown"][number];

/** What a step charges each by: the fields that the models have for it, the first one that is there. */
const RATE_FIELDS = ["unitAmount", "rate", "packageAmount", "fixedAmount"] as const;
const INDENT = "  ";

export function quoteText(answers: readonly QuoteAnswer[]): string {
  const blocks = answers.map((answer) =>
    "amount" in answer ? pricedText(answer) : [`${answer.id}  ${resultOf(answer)}`],
  );
  // Blocks of several lines are kept apart by an empty one.
  const apart = blocks.some((lines) => lines.length > 1) ? "\n\n" : "\n";
  return `${blocks.map((lines) => lines.join("\n")).join(apart)}\n`;
}

function resultOf(answer: Exclude<QuoteAnswer, PricedAnswer>): string {
  return "quantity" in answer ? answer.quantity : answer.parts.join("  ");
}

function pricedText({ id, amount, rounded, currency, breakdown }: PricedAnswer): readonly string[] {
  const table = tableText<Step>(
    [
      { title: "quantity", text: (step) => field(step, "quantity") ?? field(step, "after") ?? "", align: "right" },
      { title: "each", text: eachOf, align: "right" },
      { title: "amount", text: (step) => field(step, "amount") ?? "", align: "right" },
      { title: "step", text: (step) => step.text },
    ],
    breakdown,
  );
  return [
    `${id}  ${rounded} ${currency}  (exactly ${amount})`,
    ...table.split("\n").map((line) => `${INDENT}${line}`.trimEnd()),
  ];
}

function eachOf(step: Step): string {
  const name = RATE_FIELDS.find((candidate) => field(step, candidate) !== undefined);
  if (name === undefined) return "";
  return name === "rate" ? `${field(step, name) ?? ""} %` : (field(step, name) ?? "");
}

/** Steps of each kind have fields of their own; all of them are texts. */
function field(step: Step, name: string): string | undefined {
  // What a modifier of the amount leaves is an amount, not a quantity.
  if (name === "after" && "amount" in step) return undefined;
  const value: unknown = Reflect.get(step, name);
  return typeof value === "string" ? value : undefined;
}
