/** The rows of a query one by one. */
import type { ClickHouse } from "./connect.ts";

export async function* rowsOf<T>(
  clickhouse: ClickHouse,
  query: Parameters<ClickHouse["stream"]>[0],
): AsyncGenerator<T, undefined> {
  for await (const rows of clickhouse.stream<T>(query)) yield* rows;
  return undefined;
}
