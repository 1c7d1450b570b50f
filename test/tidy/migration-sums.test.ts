import { appendFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { appendSums, migrationSums } from "./migration-sums.ts";

const SQL = join(import.meta.dirname, "../../sql");
const MIGRATIONS = join(SQL, "migrations");

// Guarantee: a migration that someone has applied is never edited unnoticed.
test("every migration is as sql/migrations.sum says (node test/tidy/update-migration-sums.ts adds a new one)", () => {
  expect(migrationSums(MIGRATIONS)).toBe(readFileSync(join(SQL, "migrations.sum"), "utf8"));
});

test("migrations are numbered without a gap", () => {
  const numbers = readdirSync(MIGRATIONS).map((name) => Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]));
  expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
});

test("one byte more in a migration changes its sum", () => {
  const copy = mkdtempSync(join(tmpdir(), "meterline-sums-"));
  try {
    cpSync(MIGRATIONS, copy, { recursive: true });
    expect(migrationSums(copy)).toBe(migrationSums(MIGRATIONS));
    appendFileSync(join(copy, readdirSync(copy)[0] ?? ""), "\n");
    expect(migrationSums(copy)).not.toBe(migrationSums(MIGRATIONS));
  } finally {
    rmSync(copy, { recursive: true });
  }
});

// Guarantee: the list itself is append-only, so that an edited migration can't be made to look recorded.
test("the list takes a new migration and refuses a changed one", () => {
  expect(appendSums("a  0001_x.sql\n", "a  0001_x.sql\nb  0002_y.sql\n")).toBe("a  0001_x.sql\nb  0002_y.sql\n");
  expect(() => appendSums("a  0001_x.sql\n", "c  0001_x.sql\n")).toThrow("a  0001_x.sql");
  expect(() => appendSums("b  0002_y.sql\n", "a  0001_x.sql\nb  0002_y.sql\n")).toThrow("only grows");
});
