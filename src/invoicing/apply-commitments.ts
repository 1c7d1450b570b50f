/**
 * Commitments: what several prices come to together, after discounts and before tax, is at most a maximum and at least a minimum. What is too much
 * is taken off the lines by exact shares; what is missing becomes a line of its own, because no usage stands behind it. Of commitments one of which
 * contains the other, the smaller comes first, and the larger counts its shortfall.
 */
import { concerns, type Commitment } from "../domain/contract-terms.ts";
import type { InvoiceLine } from "../domain/invoice.ts";
import { present } from "../kernel/assert.ts";
import { decimalText, type Decimal } from "../kernel/decimal.ts";
import { instantText } from "../kernel/instant.ts";
import { moneyText } from "../kernel/money.ts";
import type { BillingTerms, TermsPart } from "./billing-terms.ts";
import { draftLine, sumLeft, takeOff, type DraftLine } from "./draft-line.ts";
import { periodAmount, type PeriodAmount } from "./period-amount.ts";

export function applyCommitments(lines: readonly DraftLine[], terms: BillingTerms): readonly DraftLine[] {
  const held = heldCommitments(terms);
  return held.reduce((left, commitment) => applyCommitment(left, { commitment, held, terms }), lines);
}

/** A commitment as the contract versions of the billing period have it. */
type Held = {
  readonly commitment: Commitment;
  readonly byVersion: ReadonlyMap<number, Commitment>;
  readonly parts: readonly TermsPart[];
};

/** Smaller ones first; those over all prices last. */
function heldCommitments({ parts }: BillingTerms): readonly Held[] {
  const all = parts.flatMap((part) => (part.terms.commitments ?? []).map((commitment) => ({ part, commitment })));
  const size = ({ prices }: Commitment): number => prices?.length ?? Infinity;
  return [...Map.groupBy(all, ({ commitment }) => commitment.key).values()]
    .map((ofKey) => ({
      commitment: present(ofKey[0], "a version with the commitment").commitment,
      byVersion: new Map(ofKey.map(({ part, commitment }) => [part.contractVersion, commitment])),
      parts: ofKey.map(({ part }) => part),
    }))
    .sort((a, b) => (size(a.commitment) === size(b.commitment) ? 0 : size(a.commitment) - size(b.commitment)));
}

type ApplyInput = { readonly commitment: Held; readonly held: readonly Held[]; readonly terms: BillingTerms };

function applyCommitment(lines: readonly DraftLine[], input: ApplyInput): readonly DraftLine[] {
  return applyMinimum(applyMaximum(lines, input), input);
}

function applyMaximum(lines: readonly DraftLine[], input: ApplyInput): readonly DraftLine[] {
  const { currency } = input.terms;
  const { key, name = key } = input.commitment.commitment;
  const isConcerned = concernOf(input, "maximumAmount");
  const maximum = boundOf(input, "maximumAmount");
  const sum = sumLeft(lines.filter(isConcerned));
  if (maximum === undefined || sum.lte(maximum.amount)) return lines;
  const shares = maximum.shares.length === 0 ? "" : ` (${maximum.shares.join("; ")})`;
  const reason = `${name}, at most ${moneyText(maximum.amount, currency)} of ${moneyText(sum, currency)} ${currency}${shares}`;
  const as = { kind: "maximum" as const, key, name };
  return takeOff({ lines, isConcerned, amount: sum.minus(maximum.amount), currency, as, reason });
}

function applyMinimum(lines: readonly DraftLine[], input: ApplyInput): readonly DraftLine[] {
  const { commitment: held, terms } = input;
  const minimum = boundOf(input, "minimumAmount");
  const compared = lines.filter(concernOf(input, "minimumAmount"));
  const sum = sumLeft(compared);
  if (minimum === undefined || sum.gte(minimum.amount)) return lines;
  return [...lines, draftLine(shortfallLine({ lines, compared, held, minimum, sum, terms }))];
}

type Bound = "minimumAmount" | "maximumAmount";

function boundOf({ commitment: held, terms }: ApplyInput, bound: Bound): PeriodAmount | undefined {
  return periodAmount(terms, ({ contractVersion }) => held.byVersion.get(contractVersion)?.[bound]);
}

/** The lines of its prices, and the shortfalls of commitments that it contains. A bound that is prorated is one of the versions that state it. */
function concernOf({ commitment: held, held: all, terms }: ApplyInput, bound: Bound): (line: DraftLine) => boolean {
  return ({ line }) => {
    const own = held.byVersion.get(line.contractVersion);
    if (own === undefined || (terms.proration !== "none" && own[bound] === undefined)) return false;
    const inner = line.ratedLineId === "" ? all.find((other) => other.commitment.key === line.price) : undefined;
    if (inner === undefined) return concerns(own, line.price);
    return inner !== held && (inner.commitment.prices ?? []).every((price) => concerns(own, price));
  };
}

type ShortfallInput = {
  readonly lines: readonly DraftLine[];
  readonly compared: readonly DraftLine[];
  readonly held: Held;
  readonly minimum: PeriodAmount;
  readonly sum: Decimal;
  readonly terms: BillingTerms;
};

function shortfallLine({ lines, compared, held, minimum, sum, terms }: ShortfallInput): InvoiceLine {
  const { currency } = terms;
  const { key, name } = held.commitment;
  const { line } = present(lines[0], "a line of the invoice");
  const invoiceId = line.lineId.slice(0, line.lineId.lastIndexOf("-"));
  const lineNumber = lines.length + 1;
  const first = present(held.parts[0], "the first part of the commitment");
  const last = present(held.parts.at(-1), "the last part of the commitment");
  const missing = minimum.amount.minus(sum);
  const amount = decimalText(missing);
  return {
    lineId: `${invoiceId}-${String(lineNumber)}`,
    lineNumber,
    description: name ?? `Minimum commitment ${key}`,
    runId: line.runId,
    ratedLineId: "",
    contract: line.contract,
    contractVersion: last.contractVersion,
    contractHash: last.contractHash,
    price: key,
    meter: "",
    where: {},
    periodFrom: instantText(first.service.from),
    periodTo: instantText(last.service.to),
    quantity: "1",
    amount,
    amountExact: amount,
    eventCount: "0",
    shardRanges: [],
    eventsDigest: "0",
    cut: line.cut,
    ratingRev: line.ratingRev,
    ratedLineHash: "",
    compares: compared.map((other) => other.line.lineId),
    explanation: [
      `Committed: at least ${moneyText(minimum.amount, currency)} ${currency} before tax`,
      ...minimum.shares,
      ...compared.map((other) => `${other.line.description}: ${moneyText(other.left, currency)} ${currency}`),
      `Together ${moneyText(sum, currency)} ${currency} after discounts; missing are ${moneyText(missing, currency)} ${currency}`,
    ],
  };
}
