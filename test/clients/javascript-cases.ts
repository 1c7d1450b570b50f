/** What all clients are asked, as the JavaScript client needs it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const CASES = join(import.meta.dirname, "cases");

/** The same value twice: as a client binds it, and as the server writes it in TabSeparated. */
export type TypedValue = {
  readonly cell: string;
  readonly type: string;
  readonly text: string;
  readonly value: unknown;
};

export type ExactRow = {
  readonly id: string;
  readonly name: string;
  readonly amount: string;
  readonly at: string;
};

export function readValues(): readonly TypedValue[] {
  const lines = readFileSync(join(CASES, "values.tsv"), "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [cell = "", type = "", text = "", json = ""] = line.split("\t");
    return { cell, type, text, value: JSON.parse(json) as unknown };
  });
}

export function statementOf(file: string, client: string): string {
  return readFileSync(join(CASES, file), "utf8").replaceAll("CLIENT", client).trim();
}

/** Rows that no float holds: the last of UInt64, 18 digits behind the point, nanoseconds. In the order of their ids. */
export function exactRows(count: number): readonly ExactRow[] {
  const first = 2n ** 64n - BigInt(count);
  return Array.from({ length: count }, (_, index) => ({
    id: String(first + BigInt(index)),
    name: `name ${index}`,
    amount: `${index}.000000000000000001`,
    at: `2026-01-01 00:00:00.${String(index).padStart(9, "0")}`,
  }));
}

/** In an array or a map the client quotes text, so whole numbers there are bigints. */
export function bindable(type: string, value: unknown): unknown {
  if (!/UInt64\)$/.test(type)) return value;
  if (Array.isArray(value)) return value.map((item) => BigInt(String(item)));
  const pairs = Object.entries(value as Readonly<Record<string, string>>);
  return Object.fromEntries(pairs.map(([key, item]) => [key, BigInt(item)]));
}
