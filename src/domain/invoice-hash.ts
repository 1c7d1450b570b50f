/** The hash of an invoice line: the leaf of the invoice's Merkle tree, in the journal's order of lines. */
import { canonicalJson } from "../kernel/canonical-json.ts";
import { sha256Hex } from "../kernel/hash.ts";
import type { InvoiceLine } from "./invoice.ts";

/** SHA-256 over the canonical JSON of the line, hex. */
export function invoiceLineHash(line: InvoiceLine): string {
  return sha256Hex(canonicalJson(line));
}
