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

/** The members of a line in the order of canonical JSON, so that a run doesn't look for it a million times. */
const MEMBERS = [
  ...(["aggregation", "amount", "amountRounded", "billingFrom", "billingTo", "breakdown", "catalogSeq"] as const),
  ...(["contract", "contractHash", "contractVersion", "currency", "customer", "cut", "description"] as const),
  ...(["eventCount", "eventsDigest", "input", "limits", "lineId", "meter", "periodFrom", "periodTo"] as const),
  ...(["price", "quantity", "rateCard", "rateCardVersion", "ratingRev", "runId", "shardRanges", "where"] as const),
] satisfies readonly (keyof RatedLine)[];
/** A member of the line that has no place above does not compile: the hash would leave it out. */
type Named = Exclude<keyof RatedLine, (typeof MEMBERS)[number]> extends never ? RatedLine : never;

function lineText(line: Named, { input, breakdown }: Pick<HashedLine, "input" | "breakdown">): string {
  let text = "";
  for (const name of MEMBERS) {
    const member = line[name];
    if (member === undefined) continue;
    const json = name === "input" ? input : name === "breakdown" ? breakdown : canonicalJson(member);
    text += `${text === "" ? "{" : ","}"${name}":${json}`;
  }
  return `${text}}`;
}
