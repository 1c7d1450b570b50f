/**
 * A rated line as a row of `meterline.rated_lines` and back. Decimals are texts on both sides. ClickHouse would cut extra places of a
 * decimal without a word, so the encoder refuses them.
 */
import type { StoredLine } from "../app/ports.ts";
import type { HashedLine } from "../domain/rated-line-hash.ts";
import type { RatedLine, RatingInput, ShardRange } from "../domain/rated-line.ts";
import { limitsOfText, limitsText } from "../domain/usage-limits.ts";
import { assert } from "../kernel/assert.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { decimal, decimalPlaces, decimalText } from "../kernel/decimal.ts";
import { NS_PER_SECOND, instantOf, instantText } from "../kernel/instant.ts";

export const RATED_LINE_COLUMNS =
  "run_id, line_id, customer, contract, contract_version, contract_hash, rate_card, rate_card_version, price, meter, aggregation, " +
  "filter, description, billing_from, billing_to, period_from, period_to, quantity, amount, amount_rounded, currency, event_count, " +
  "shard_ranges, events_digest, cut, catalog_seq, rating_rev, input, breakdown, line_hash, limits";

const PLACES = { quantity: 18, amount: 24, amountRounded: 4 } as const;

type RangeTuple = readonly [shard: string, incarnation: string, firstSeq: string, lastSeq: string];

/** As `sql/queries/rated-lines.sql` gives it. */
export type RatedLineRow = {
  readonly run_id: string;
  readonly line_id: string;
  readonly customer: string;
  readonly contract: string;
  readonly contract_version: number;
  readonly contract_hash: string;
  readonly rate_card: string;
  readonly rate_card_version: number;
  readonly price: string;
  readonly meter: string;
  readonly aggregation: string;
  readonly filter: Readonly<Record<string, string>>;
  readonly description: string;
  readonly billing_from: number;
  readonly billing_to: number;
  readonly period_from: number;
  readonly period_to: number;
  readonly quantity: string;
  readonly amount: string;
  readonly amount_rounded: string;
  readonly currency: string;
  readonly event_count: string;
  readonly shard_ranges: readonly RangeTuple[];
  readonly events_digest: string;
  readonly cut: number;
  readonly catalog_seq: number;
  readonly rating_rev: number;
  readonly input: string;
  readonly breakdown: string;
  readonly line_hash: string;
  readonly limits: string;
};

/**
 * One line of JSONCompactEachRow, in the order of RATED_LINE_COLUMNS. Input and breakdown stand in it as the JSON that they are: ClickHouse stores the
 * bytes of an object or array that comes for a String column, and nothing has to be escaped.
 */
export function ratedLineText({ line, hash, input, breakdown }: HashedLine): string {
  const json = canonicalJson;
  return (
    `[${json(line.runId)},${json(line.lineId)},${json(line.customer)},${json(line.contract)},${line.contractVersion}` +
    `,${json(line.contractHash)},${json(line.rateCard)},${line.rateCardVersion},${json(line.price)},${json(line.meter)}` +
    `,${json(line.aggregation)},${json(line.where)},${json(line.description)},${epochSeconds(line.billingFrom)}` +
    `,${epochSeconds(line.billingTo)},${epochSeconds(line.periodFrom)},${epochSeconds(line.periodTo)}` +
    `,"${fitting(line.quantity, PLACES.quantity)}","${fitting(line.amount, PLACES.amount)}"` +
    `,"${fitting(line.amountRounded, PLACES.amountRounded)}",${json(line.currency)},"${line.eventCount}"` +
    `,${JSON.stringify(shardRangeRows(line.shardRanges))},"${line.eventsDigest}",${line.cut},${line.catalogSeq},${line.ratingRev}` +
    `,${input},${breakdown},"${hash}",${json(limitsText(line.limits))}]\n`
  );
}

/** The line as it stands, with the hash written beside it: whether the two agree is for the caller to judge. */
export function storedLineOf(row: RatedLineRow): StoredLine {
  return { line: ratedLineOf(row), hash: row.line_hash };
}

function ratedLineOf(row: RatedLineRow): RatedLine {
  return {
    runId: row.run_id,
    lineId: row.line_id,
    customer: row.customer,
    contract: row.contract,
    contractVersion: row.contract_version,
    contractHash: row.contract_hash,
    rateCard: row.rate_card,
    rateCardVersion: row.rate_card_version,
    price: row.price,
    meter: row.meter,
    aggregation: row.aggregation,
    where: row.filter,
    ...limitsOfText(row.limits),
    description: row.description,
    billingFrom: rfc3339(row.billing_from),
    billingTo: rfc3339(row.billing_to),
    periodFrom: rfc3339(row.period_from),
    periodTo: rfc3339(row.period_to),
    quantity: plain(row.quantity),
    amount: plain(row.amount),
    amountRounded: plain(row.amount_rounded),
    currency: row.currency,
    eventCount: row.event_count,
    shardRanges: row.shard_ranges.map((range) => shardRangeOf(range)),
    eventsDigest: row.events_digest,
    cut: row.cut,
    catalogSeq: row.catalog_seq,
    ratingRev: row.rating_rev,
    input: JSON.parse(row.input) as RatingInput,
    breakdown: JSON.parse(row.breakdown) as RatedLine["breakdown"],
  };
}

export function shardRangeOf([shard, incarnation, firstSeq, lastSeq]: RangeTuple): ShardRange {
  return { shard: Number(shard), incarnation, firstSeq, lastSeq };
}

/** Named tuples are objects in JSONEachRow. */
export function shardRangeRows(ranges: readonly ShardRange[]): readonly object[] {
  return ranges.map((range) => ({
    shard: range.shard,
    incarnation: range.incarnation,
    first_seq: range.firstSeq,
    last_seq: range.lastSeq,
  }));
}

/** Unix seconds of RFC 3339 text; boundaries of periods are whole seconds. */
export function epochSeconds(text: string): number {
  const instant = instantOf(text, "period boundary");
  assert(instant % NS_PER_SECOND === 0n, `the period boundary ${text} is no whole second`);
  return Number(instant / NS_PER_SECOND);
}

function rfc3339(seconds: number): string {
  return instantText(BigInt(seconds) * NS_PER_SECOND);
}

function fitting(text: string, places: number): string {
  // As many digits as are written are enough to know, unless there are too many: zeros at the end need no place.
  const fits = text.length - 1 - text.indexOf(".") <= places || decimalPlaces(decimal(text)) <= places;
  assert(fits, `${text} has more than ${places} decimal places and would be cut`);
  return text;
}

function plain(text: string): string {
  return decimalText(decimal(text));
}
