import { expect, test } from "vitest";
import { rowBytesSource } from "../../../src/clickhouse/row-bytes.ts";

const LONG = "é€𝄞".repeat(200_000);

test.each([
  ["nothing", []],
  ["short rows", ["a\n", "é\n", "€𝄞\n", ""]],
  ["rows of more than a piece, after and before short ones", ["a", LONG, "b", "c".repeat(3_000_000), "d"]],
  ["rows that fill many pieces", Array.from({ length: 5_000 }, (_, row) => `${"€".repeat(row % 700)}${row}\n`)],
])("the bytes of %s", (_, rows) => {
  const next = rowBytesSource();
  for (const _round of ["in new memory", "over what was released"]) {
    const bytes = next();
    for (const row of rows) bytes.add(row);
    expect(Buffer.concat(bytes.pieces()).equals(Buffer.from(rows.join("")))).toBe(true);
    bytes.release();
  }
});

// Guarantee: rows that are still read are never written over, not even when they are released twice.
test("what was not released stays as it is", () => {
  const next = rowBytesSource();
  const [first, second] = [next(), next()];
  first.add("first");
  const kept = first.pieces();
  second.add("second");
  second.pieces();
  second.release();
  second.release();
  const [third, fourth] = [next(), next()];
  third.add("third");
  fourth.add("fourth");
  const texts = [kept, third.pieces(), fourth.pieces()].map((pieces) => Buffer.concat(pieces).toString());
  expect(texts).toEqual(["first", "third", "fourth"]);
});
