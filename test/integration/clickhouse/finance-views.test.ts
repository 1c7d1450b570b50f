/** The contract of the database `finance`: what a spreadsheet or a finance tool reads is exact and says what it is. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectClickHouse, type ClickHouse } from "../../../src/clickhouse/connect.ts";
import { migrate } from "../../../src/clickhouse/migrate.ts";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir, type TempDir } from "../../support/temp-dir.ts";

type Column = { readonly column: string; readonly type: string };

/** Whatever is called like this is a quantity or an amount. */
const EXACT_NAMES =
  /^(quantity|value|amount|amount_exact|amount_rounded|unit_amount|subtotal|adjustment|net|rate|base|tax|total)$/;

let dir: TempDir;
let server: ClickHouseServer;
let clickhouse: ClickHouse;
let columns: readonly Column[];

beforeAll(async () => {
  dir = await tempDir("finance");
  server = await startClickHouseServer({ home: dir.path, host: "127.0.0.1", port: await freePort(), password: "" });
  clickhouse = connectClickHouse({ url: server.url, user: "default", password: "" });
  await migrate(clickhouse);
  columns = await clickhouse.rows<Column>({
    sql: "SELECT concat(table, '.', name) AS column, type FROM system.columns WHERE database = 'finance' ORDER BY column",
    doing: "reading the columns",
  });
});

afterAll(async () => {
  await clickhouse?.close();
  await server?.stop();
  await dir?.remove();
});

// Guarantee: no quantity and no amount ever passes through binary floating point on its way to a reader.
test("quantities and amounts are Decimals, and nothing is a float", () => {
  const exact = columns.filter(({ column }) => EXACT_NAMES.test(column.split(".")[1] ?? ""));
  expect(exact.map(({ column }) => column)).toEqual(
    expect.arrayContaining([
      "invoice_lines.amount",
      "invoice_lines.amount_exact",
      "invoice_lines.quantity",
      "invoices.total",
      "late_usage.value",
      "line_events.value",
      "rated_lines.amount",
      "rated_lines.quantity",
      "usage.quantity",
    ]),
  );
  expect(exact.filter(({ type }) => !/^(Nullable\()?Decimal\(/.test(type))).toEqual([]);
  expect(columns.filter(({ type }) => /Float|BFloat/.test(type))).toEqual([]);
});

// Guarantee: what a view promises in its column list is what its SELECT gives: a CAST in between would round in silence.
test("the SELECT of each view gives the type that the view promises", async () => {
  const views = await clickhouse.rows<{ name: string; as_select: string }>({
    sql: "SELECT name, as_select FROM system.tables WHERE database = 'finance' ORDER BY name",
    doing: "reading the views",
  });
  expect(views.length).toBeGreaterThan(0);
  const different: string[] = [];
  for (const { name, as_select } of views) {
    const given = await clickhouse.rows<{ name: string; type: string }>({
      sql: `DESCRIBE (${as_select})`,
      doing: `describing ${name}`,
    });
    for (const column of given) {
      const promised = columns.find((candidate) => candidate.column === `${name}.${column.name}`);
      if (scaleOf(promised?.type) !== scaleOf(column.type))
        different.push(`${name}.${column.name}: ${column.type} as ${promised?.type ?? "nothing"}`);
    }
  }
  expect(different).toEqual([]);
});

/** Digits after the point; empty for what is no Decimal. */
function scaleOf(type: string | undefined): string {
  return /Decimal\(\d+, (\d+)\)/.exec(type ?? "")?.[1] ?? "";
}
