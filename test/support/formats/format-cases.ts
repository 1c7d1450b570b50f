/** Every format of the engine: what is asked for in it, what its input is made of, and how its rows are compared. */

export type FormatCase = {
  readonly format: string;
  /** Gives the rows; `$ROWS` stands for their number. */
  readonly query: string;
  readonly structure: string;
  readonly settings: Readonly<Record<string, string>>;
  /** The bytes are compared, unless the engine itself never makes the same twice. */
  readonly bytesDiffer?: string;
  /** Null: the engine does not read it. Otherwise what its input is made of, by default of its own output. */
  readonly input: FormatInput | null;
  /** False: the engine does not write it. */
  readonly isOutput: boolean;
};
export type FormatInput = {
  /** Statements whose results, one behind the other, are the input. */
  readonly from?: readonly string[];
  readonly text?: string;
  /** `count(), sum(…)` of the rows that have to be there. */
  readonly expected?: string;
};
/** Formats that cannot be tried, with the reason. */
export const NOT_TRIED: Readonly<Record<string, string>> = {
  AvroConfluent: "needs a registry of schemas, which is another server",
  DWARF: "reads the debugging symbols of a program",
  MySQLWire: "is spoken within MySQL's protocol only",
  TemplateIgnoreSpaces: "reads its template from a file, which clients may not name",
  PostgreSQLWire: "is spoken within PostgreSQL's protocol only",
};

const ROWS = "numbers($ROWS)";
const STRUCTURE = "id UInt64, name String, price Decimal(18, 6), at DateTime('UTC'), note Nullable(String)";
const NAME = `concat('name ', toString(cityHash64(number) % 100000), ', "quoted" it''s')`;
const COLUMNS = [
  "number AS id",
  `${NAME} AS name`,
  "CAST((number % 1000003) / 1000 AS Decimal(18, 6)) AS price",
  "toDateTime(1700000000 + number % 86400, 'UTC') AS at",
  "if(number % 3 = 0, NULL, toString(number)) AS note",
];
const QUERY = `SELECT ${COLUMNS.join(", ")} FROM ${ROWS}`;
const FLAGGED = `SELECT ${COLUMNS.map((column, n) => `toUInt8(0) AS flag${n}, ${column}`).join(", ")} FROM ${ROWS}`;
const PLAIN_STRUCTURE = "id UInt64, name String, amount Int64";
const PLAIN_QUERY = `SELECT number AS id, ${NAME} AS name, toInt64(number) * 1000 AS amount FROM ${ROWS}`;
const ONE_TEXT = `SELECT ${NAME} AS name FROM ${ROWS}`;
const JSON_TEXT = "SELECT number AS id, concat('n', toString(number)) AS name FROM numbers($ROWS) FORMAT JSONEachRow";
const TEMPLATE = {
  format_template_resultset_format: "begin\n${data}\nend\n",
  format_template_row_format: "row ${id:CSV}; ${name:Quoted}; ${amount:CSV}",
};
const QUOTED_CUSTOM = { format_custom_field_delimiter: ";", format_custom_escaping_rule: "Quoted" };
const NOT_THE_SAME_TWICE = "a random mark stands between its blocks";

type Special = Partial<Omit<FormatCase, "format">>;

const plain: Special = { query: PLAIN_QUERY, structure: PLAIN_STRUCTURE };
const oneText: Special = { query: ONE_TEXT, structure: "name String" };
const fromCustom = (format: string): Special => ({
  ...plain,
  settings: QUOTED_CUSTOM,
  input: { from: [`${PLAIN_QUERY} FORMAT ${format}`] },
});
const tellsTime: Special = { bytesDiffer: "how long the query took is part of it" };

const SPECIAL: Readonly<Record<string, Special>> = {
  Avro: { ...plain, bytesDiffer: NOT_THE_SAME_TWICE },
  BSONEachRow: plain,
  Buffers: plain,
  Form: { ...plain, input: { text: "id=7&name=a%26b&amount=-3", expected: "1\t7" } },
  GeoJSON: {
    query: `SELECT CAST((toFloat64(number % 180), toFloat64(number % 90))::Point AS Geometry) AS geometry, toString(number) AS id FROM ${ROWS}`,
    structure: "geometry Geometry, id String",
  },
  JSONAsObject: { structure: "id JSON", input: { from: [JSON_TEXT] } },
  JSONAsString: { structure: "id String", input: { from: [JSON_TEXT] } },
  CustomSeparatedIgnoreSpaces: fromCustom("CustomSeparated"),
  CustomSeparatedIgnoreSpacesWithNames: fromCustom("CustomSeparatedWithNames"),
  CustomSeparatedIgnoreSpacesWithNamesAndTypes: fromCustom("CustomSeparatedWithNamesAndTypes"),
  JSONCompactEachRowWithProgress: tellsTime,
  JSONCompactStringsEachRowWithProgress: tellsTime,
  JSONEachRowWithProgress: tellsTime,
  JSONStringsEachRowWithProgress: tellsTime,
  LineAsString: oneText,
  LineAsStringWithNames: oneText,
  LineAsStringWithNamesAndTypes: oneText,
  MsgPack: plain,
  MySQLDump: { ...plain, input: { from: [`${PLAIN_QUERY} FORMAT SQLInsert`] } },
  Npy: { query: `SELECT toInt64(number) AS id FROM ${ROWS}`, structure: "id Int64" },
  One: { structure: "dummy UInt8", input: { text: "anything", expected: "1\t0" } },
  ORC: plain,
  ParquetMetadata: { structure: "num_rows UInt64", input: { from: [`${QUERY} FORMAT Parquet`], expected: "1\t$ROWS" } },
  PNG: {
    query:
      "SELECT toInt32(number % 256) AS x, toInt32(intDiv(number, 256)) AS y, toUInt8(number) AS v FROM numbers(least(65536, $ROWS))",
  },
  Prometheus: { query: `SELECT 'requests' AS name, toFloat64(number) AS value FROM ${ROWS}` },
  Protobuf: plain,
  ProtobufList: plain,
  ProtobufSingle: { ...plain, query: PLAIN_QUERY.replace(ROWS, "numbers(1)") },
  RawBLOB: { ...oneText, query: `SELECT arrayStringConcat(groupArray(name), '\\n') AS name FROM (${ONE_TEXT})` },
  Regexp: {
    ...plain,
    settings: { format_regexp: '^(\\d+),"(.*)",(-?\\d+)$', format_regexp_escaping_rule: "Raw" },
    input: {
      from: [
        `SELECT number AS id, concat('n', toString(number)) AS name, toInt64(number) AS amount FROM ${ROWS} FORMAT CSV`,
      ],
    },
  },
  RowBinaryWithDefaults: { input: { from: [`${FLAGGED} FORMAT RowBinary`] } },
  RowBinaryWithNamesAndTypesAndDefaults: {
    input: { from: [`${QUERY} LIMIT 0 FORMAT RowBinaryWithNamesAndTypes`, `${FLAGGED} FORMAT RowBinary`] },
  },
  // For reading, the engine wants the template in a file, which clients may not name.
  Template: { ...plain, settings: TEMPLATE, input: null },
};

export type KnownFormat = { readonly name: string; readonly isInput: boolean; readonly isOutput: boolean };

export function formatCase({ name, isInput, isOutput }: KnownFormat): FormatCase {
  const special = SPECIAL[name] ?? {};
  return {
    format: name,
    query: QUERY,
    structure: STRUCTURE,
    isOutput,
    ...special,
    // How long the query took is part of some documents otherwise.
    settings: { output_format_write_statistics: "0", ...special.settings },
    input: isInput && special.input !== null ? (special.input ?? {}) : null,
  };
}

export function filled(text: string, rows: number): string {
  return text.replaceAll("$ROWS", String(rows));
}
