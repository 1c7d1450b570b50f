/** The rows of the matrix: what every client is asked. */

export type Cell = { readonly id: string; readonly title: string };

/** One line of a client's output. A client that is not installed prints one line without a cell. */
export type CellResult = {
  readonly client: string;
  readonly cell: string | null;
  readonly ok: boolean | null;
  readonly detail: string;
  /** What of the cell the client itself cannot do; the rest works. */
  readonly limit?: string | undefined;
};

export const CLIENT_CELLS: readonly Cell[] = [
  { id: "ping", title: "ping and version" },
  { id: "parameter", title: "a bound parameter of each usual type" },
  { id: "million", title: "1,000,000 rows out, sum and SHA-256 equal to the server's own" },
  { id: "insert", title: "100,000 rows in, equal at the server and read back" },
  { id: "decimal38", title: "`Decimal(38, 18)`, every digit" },
  { id: "decimal76", title: "`Decimal(76, 24)`, every digit" },
  { id: "uint64", title: "`UInt64` up to its last" },
  { id: "datetime64", title: "`DateTime64(9)`, every nanosecond" },
  { id: "uuid", title: "`UUID`" },
  { id: "array", title: "`Array`" },
  { id: "map", title: "`Map`" },
  { id: "nullable", title: "`Nullable`, null and the empty string apart" },
  { id: "low_cardinality", title: "`LowCardinality`" },
  { id: "error", title: "an error with its code" },
  { id: "late_error", title: "an error in the middle of a result is an error" },
  { id: "compressed_result", title: "compressed results" },
  { id: "compressed_insert", title: "compressed inserts" },
  { id: "session", title: "a session with a temporary table" },
  { id: "cancel", title: "a query that is left ends" },
  { id: "wrong_password", title: "a wrong password is refused as such" },
];

export const READER_CELLS: readonly Cell[] = [
  { id: "Parquet", title: "Parquet" },
  { id: "Arrow", title: "Arrow" },
  { id: "ArrowStream", title: "ArrowStream" },
  { id: "ORC", title: "ORC" },
  { id: "CSVWithNames", title: "CSVWithNames" },
  { id: "JSON", title: "JSON" },
  { id: "JSONEachRow", title: "JSONEachRow" },
];
