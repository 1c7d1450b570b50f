import { expect, test } from "vitest";
import { rowBytes } from "../../../src/clickhouse/row-bytes.ts";

const LONG = "é€𝄞".repeat(200_000);

test.each([
  ["nothing", []],
  ["short rows", ["a\n", "é\n", "€𝄞\n", ""]],
  ["rows of more than a piece, after and before short ones", ["a", LONG, "b", "c".repeat(3_000_000), "d"]],
  ["rows that fill many pieces", Array.from({ length: 5_000 }, (_, row) => `${"€".repeat(row % 700)}${row}\n`)],
])("the bytes of %s", (_, rows) => {
  const bytes = rowBytes();
  for (const row of rows) bytes.add(row);
  expect(Buffer.concat(bytes.pieces()).equals(Buffer.from(rows.join("")))).toBe(true);
});
