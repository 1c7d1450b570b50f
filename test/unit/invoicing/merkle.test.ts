/** The Merkle tree over invoice lines, against hashes put together by hand. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { merkleProof, merkleProves, merkleRoot } from "../../../src/invoicing/merkle.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const C = "c".repeat(64);
const hashes = fc.array(
  fc.nat().map((number) => sha256(Buffer.from(String(number))).toString("hex")),
  { minLength: 1, maxLength: 40 },
);

test("leaves and nodes are hashed under their own prefix, the larger half to the left", () => {
  const node = (left: Buffer, right: Buffer) => sha256(Buffer.concat([Buffer.from([1]), left, right]));
  expect(merkleRoot([])).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(merkleRoot([A])).toBe(leaf(A).toString("hex"));
  expect(merkleRoot([A, B])).toBe(node(leaf(A), leaf(B)).toString("hex"));
  expect(merkleRoot([A, B, C])).toBe(node(node(leaf(A), leaf(B)), leaf(C)).toString("hex"));
  expect(merkleRoot([A, B, C, A, B])).toBe(
    node(node(node(leaf(A), leaf(B)), node(leaf(C), leaf(A))), leaf(B)).toString("hex"),
  );
});

test("every line is proved by its siblings, and by no others", () => {
  fc.assert(
    fc.property(hashes, fc.nat(), (lines, pick) => {
      const index = pick % lines.length;
      const root = merkleRoot(lines);
      const proof = merkleProof(lines, index);
      expect(merkleProves({ lineHash: lines[index] ?? "", proof, root })).toBe(true);
      expect(merkleProves({ lineHash: A, proof, root })).toBe(false);
      const [first, ...rest] = proof;
      if (first !== undefined) {
        const turned = { ...first, side: first.side === "left" ? ("right" as const) : ("left" as const) };
        const same = first.hash === leaf(lines[index] ?? "").toString("hex");
        expect(merkleProves({ lineHash: lines[index] ?? "", proof: [turned, ...rest], root })).toBe(same);
      }
    }),
  );
});

test("a changed, missing or moved line changes the root", () => {
  const root = merkleRoot([A, B, C]);
  for (const other of [
    [A, B, A],
    [A, B],
    [B, A, C],
    [A, B, C, C],
  ])
    expect(merkleRoot(other)).not.toBe(root);
});

test("what is no hash is refused", () => {
  expect(() => merkleRoot(["xyz"])).toThrow(/no SHA-256/);
  expect(() => merkleProof([A], 1)).toThrow(/no line 1 of 1/);
});

function leaf(hex: string): Buffer {
  return sha256(Buffer.concat([Buffer.from([0]), Buffer.from(hex, "hex")]));
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
