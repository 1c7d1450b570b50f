/** Hashes of rated lines: what a rating run puts into the journal, and what its repetition is compared with. */
import { canonicalJson } from "../kernel/canonical-json.ts";
import { sha256Hex } from "../kernel/hash.ts";
import type { RatedLine } from "./rated-line.ts";

/** A line with its hash, and with the canonical JSON of what is stored as that: written once, for the hash and for the row. */
export type HashedLine = {
  readonly line: RatedLine;
  readonly hash: string;
  readonly input: string;
  readonly breakdown: string;
};

export function hashedLine(line: RatedLine): HashedLine {
  const input = canonicalJson(line.input);
  const breakdown = canonicalJson(line.breakdown);
  return { line, hash: sha256Hex(lineText(line, { input, breakdown })), input, breakdown };
}

/** SHA-256 over the canonical JSON of the line, hex. */
export function ratedLineHash(line: RatedLine): string {
  return hashedLine(line).hash;
}

/** SHA-256 over the lines' hashes (hex, one after the other) in the order of their ids by code unit, hex. */
export function ratedLinesHash(lines: readonly { readonly lineId: string; readonly hash: string }[]): string {
  const ordered = [...lines].sort((a, b) => (a.lineId < b.lineId ? -1 : 1));
  return sha256Hex(ordered.map((line) => line.hash).join(""));
}

/** The canonical JSON of the line. Its members are named here in their order, so that a run doesn't look for it a million times. */
function lineText(line: RatedLine, { input, breakdown }: Pick<HashedLine, "input" | "breakdown">): string {
  const json = canonicalJson;
  const limits = line.limits === undefined ? "" : `,"limits":${json(line.limits)}`;
  return (
    `{"aggregation":${json(line.aggregation)},"amount":${json(line.amount)},"amountRounded":${json(line.amountRounded)}` +
    `,"billingFrom":${json(line.billingFrom)},"billingTo":${json(line.billingTo)},"breakdown":${breakdown}` +
    `,"catalogSeq":${json(line.catalogSeq)},"contract":${json(line.contract)},"contractHash":${json(line.contractHash)}` +
    `,"contractVersion":${json(line.contractVersion)},"currency":${json(line.currency)},"customer":${json(line.customer)}` +
    `,"cut":${json(line.cut)},"description":${json(line.description)},"eventCount":${json(line.eventCount)}` +
    `,"eventsDigest":${json(line.eventsDigest)},"input":${input}${limits},"lineId":${json(line.lineId)}` +
    `,"meter":${json(line.meter)},"periodFrom":${json(line.periodFrom)},"periodTo":${json(line.periodTo)}` +
    `,"price":${json(line.price)},"quantity":${json(line.quantity)},"rateCard":${json(line.rateCard)}` +
    `,"rateCardVersion":${json(line.rateCardVersion)},"ratingRev":${json(line.ratingRev)},"runId":${json(line.runId)}` +
    `,"shardRanges":${json(line.shardRanges)},"where":${json(line.where)}}`
  );
}
