/**
 * Merkle tree over an invoice's lines, as in RFC 6962 (section 2.1): leaves and nodes are hashed under different prefixes, so that a node
 * can never be passed off as a leaf. The data of a leaf is the 32 bytes of the line's hash. All hashes here are lowercase hex.
 */
import { assert } from "../kernel/assert.ts";
import { sha256Hex } from "../kernel/hash.ts";

const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;
const HASH_HEX_DIGITS = 64;

/** A sibling on the way from a leaf to the root, and the side it stands on. */
export type ProofStep = { readonly side: "left" | "right"; readonly hash: string };

/** The root over line hashes in the order of the lines; without lines SHA-256 of nothing. */
export function merkleRoot(lineHashes: readonly string[]): string {
  return treeHash(lineHashes.map((hash) => leafHash(hash)));
}

/** The siblings that lead from the line at `index` to the root, from the leaf upwards. */
export function merkleProof(lineHashes: readonly string[], index: number): readonly ProofStep[] {
  assert(
    Number.isInteger(index) && index >= 0 && index < lineHashes.length,
    `there is no line ${String(index)} of ${String(lineHashes.length)}`,
  );
  return pathOf(
    lineHashes.map((hash) => leafHash(hash)),
    index,
  );
}

/** Whether the line hash together with its siblings gives the root. */
export function merkleProves(input: {
  readonly lineHash: string;
  readonly proof: readonly ProofStep[];
  readonly root: string;
}): boolean {
  const start = leafHash(input.lineHash);
  const root = input.proof.reduce(
    (hash, step) => (step.side === "left" ? nodeHash(step.hash, hash) : nodeHash(hash, step.hash)),
    start,
  );
  return root === input.root;
}

function treeHash(leaves: readonly string[]): string {
  const [only] = leaves;
  if (only === undefined) return sha256Hex("");
  if (leaves.length === 1) return only;
  const split = splitOf(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

function pathOf(leaves: readonly string[], index: number): readonly ProofStep[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return index < split
    ? [...pathOf(left, index), { side: "right", hash: treeHash(right) }]
    : [...pathOf(right, index - split), { side: "left", hash: treeHash(left) }];
}

/** The largest power of two below the number of leaves. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

function leafHash(lineHash: string): string {
  return sha256Hex(concatenated(LEAF_PREFIX, [lineHash]));
}

function nodeHash(left: string, right: string): string {
  return sha256Hex(concatenated(NODE_PREFIX, [left, right]));
}

function concatenated(prefix: number, hashes: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(1 + (hashes.length * HASH_HEX_DIGITS) / 2);
  bytes[0] = prefix;
  let at = 1;
  for (const hash of hashes) {
    assert(/^[0-9a-f]{64}$/.test(hash), `"${hash}" is no SHA-256 in hex`);
    for (let digit = 0; digit < HASH_HEX_DIGITS; digit += 2, at += 1)
      bytes[at] = Number.parseInt(hash.slice(digit, digit + 2), 16);
  }
  return bytes;
}
