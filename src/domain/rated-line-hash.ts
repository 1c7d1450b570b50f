/** Hashes of rated lines: what a rating run puts into the journal, and what its repetition is compared with. */
import { canonicalJson } from "../kernel/canonical-json.ts";
import { sha256Hex } from "../kernel/hash.ts";
import type { RatedLine } from "./rated-line.ts";

/** SHA-256 over the canonical JSON of the line, hex. */
export function ratedLineHash(line: RatedLine): string {
  return sha256Hex(canonicalJson(line));
}

/** SHA-256 over the lines' hashes (hex, one after the other) in the order of their ids by code unit, hex. */
export function ratedLinesHash(lines: readonly { readonly lineId: string; readonly hash: string }[]): string {
  const ordered = [...lines].sort((a, b) => (a.lineId < b.lineId ? -1 : 1));
  return sha256Hex(ordered.map((line) => line.hash).join(""));
}
