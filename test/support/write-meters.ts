/** A catalog's meters as the projection of the journal writes them, for views that ask what a meter is. */
import type { ClickHouse } from "../../src/clickhouse/connect.ts";
import type { Catalog } from "../../src/domain/catalog.ts";

export async function writeMeters(clickhouse: ClickHouse, { meters }: Catalog): Promise<void> {
  const rows = [...meters.values()].flatMap((versions) =>
    versions.map(({ key, version, hash, definition }) => ({
      ...{ kind: "meter", key, version, hash, journal_seq: "1", removed: false },
      definition: JSON.stringify(definition),
    })),
  );
  await clickhouse.insert({
    sql: "INSERT INTO meterline.catalog_versions FORMAT JSONEachRow",
    body: rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
    doing: "writing the catalog's meters",
  });
}
