import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  USAGE_INGEST_COLUMNS,
  USAGE_INGEST_COLUMN_LIST,
  USAGE_INGEST_STRUCTURE,
  encodeUsageRows,
} from "../../../src/clickhouse/encode-usage-rows.ts";
import { ORDINARY } from "../../../src/clickhouse/special-row.ts";
import { AGGREGATIONS } from "../../../src/domain/meter.ts";
import { boundaryRows, usageRowOf } from "../../support/usage-rows.ts";

const migration = (name: string): string =>
  readFileSync(new URL(`../../../sql/migrations/${name}.sql`, import.meta.url), "utf8");
const CREATED = migration("0001_usage_chain");
const ADDED = migration("0007_usage_retractions");
const SPECIAL = migration("0022_special_usage");

describe("encodeUsageRows", () => {
  // Guarantee: RowBinary carries no names, so a column moved in the table would shift every value after it.
  it("writes the columns of the table, in its order", () => {
    const body =
      /CREATE TABLE IF NOT EXISTS meterline\.usage_ingest\n\(\n([\s\S]*?)\n\)\nENGINE = Null/.exec(CREATED)?.[1] ?? "";
    const added = /ALTER TABLE meterline\.usage_ingest ADD COLUMN IF NOT EXISTS\n(.*)/.exec(ADDED)?.[1] ?? "";
    const columns = [...body.split("\n"), added].map((line) =>
      line
        .trim()
        .replace(/,$/, "")
        .replace(/ COMMENT '.*'$/, ""),
    );
    expect(columns).toEqual(USAGE_INGEST_COLUMNS.map(({ name, type }) => `${name} ${type}`));
    expect(USAGE_INGEST_STRUCTURE).toBe(columns.join(", "));
    expect(USAGE_INGEST_COLUMN_LIST.split(", ")).toHaveLength(columns.length);
  });

  it("writes the same columns for the special ones", () => {
    const body = /usage_ingest_special\n\(\n([\s\S]*?)\n\)\nENGINE = Null/.exec(SPECIAL)?.[1] ?? "";
    const columns = body.split("\n").map((line) => line.trim().replace(/,$/, ""));
    expect(columns).toEqual(USAGE_INGEST_COLUMNS.map(({ name, type }) => `${name} ${type}`));
  });

  // Guarantee: each aggregation is kept by one entrance's views; of one that neither has, nothing would be counted.
  it("takes as special what the views of special uses take", () => {
    const filter = /taken\.2 IN \(([^)]*)\)/.exec(SPECIAL)?.[1] ?? "";
    const special = filter.split(", ").map((text) => text.slice(1, -1));
    expect([...ORDINARY, ...special].sort()).toEqual([...AGGREGATIONS].sort());
    expect([...ORDINARY]).toEqual(["count", "sum", "average", "percentile"]);
  });

  it("writes no row as no bytes", () => {
    expect(encodeUsageRows([])).toHaveLength(0);
  });

  it("writes fixed parts little endian and texts with their length", () => {
    const bytes = encodeUsageRows([
      usageRowOf({ shard: 0x0102, seq: 0x010203040506, eventTime: -1n, id: "é", raw: Uint8Array.of(9) }),
    ]);
    const hex = Buffer.from(bytes).toString("hex");
    expect(hex).toBe(
      [
        "0201",
        "0100000000000000",
        "0605040302010000",
        "00000000",
        "0100000000000000",
        "01000000",
        `08${Buffer.from("usage.gw").toString("hex")}`,
        "0000000000000000",
        "026777",
        "02c3a9",
        "0174",
        "0461636d65",
        "ffffffffffffffff",
        "01",
        "00",
        "00",
        "00".repeat(16),
        "00".repeat(16),
        "0109",
        "00",
        "00",
      ].join(""),
    );
  });

  // Guarantee: the plan's hash is over these bytes, so a replay has to give them again, wherever the buffer had to grow.
  it("gives the same bytes for the same rows, together and one by one", () => {
    const rows = boundaryRows();
    const together = Buffer.from(encodeUsageRows(rows));
    expect(together.equals(Buffer.concat(rows.map((row) => encodeUsageRows([row]))))).toBe(true);
    expect(together.equals(encodeUsageRows(boundaryRows()))).toBe(true);
  });
});
