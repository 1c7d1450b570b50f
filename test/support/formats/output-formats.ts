/** Every output format of the engine, with the rows that it can carry and how two results of it are compared. */
import type { ShapeName } from "./shapes.ts";

export type Settings = Readonly<Record<string, string>>;
export type OutputFormat = {
  readonly name: string;
  readonly shape: ShapeName;
  readonly settings: Settings;
  /**
   * Lines that tell how a query went come at other moments in each run: what they stand between is compared. Avro's blocks end in a mark that follows from
   * the second in which the file began: what is between the marks is compared.
   */
  readonly compared: "bytes" | "lines without progress" | "bytes without marks";
  readonly refused: Refusal | null;
};
/** Why the server does not carry a format, and the settings that it would need: naming them is refused. */
export type Refusal = { readonly reason: string; readonly settings: Settings };
type Special = Partial<Omit<OutputFormat, "name">>;

/** Statistics tell how long a query took; by themselves the formats for people end after some rows, and divide the others by when they come. */
const EVERY: Settings = {
  output_format_write_statistics: "0",
  output_format_pretty_max_rows: "1000000000",
  output_format_pretty_squash_consecutive_ms: "0",
  output_format_pretty_squash_max_wait_ms: "0",
};

export const TEMPLATE: Settings = {
  format_template_row_format: "${n:CSV} has ${customer:JSON} for ${amount:Escaped} (${note:Quoted})",
  format_template_resultset_format: "begin\n${data}\nend\n",
};
/** One message for a row, with the column as a field. */
export const PROTOBUF_SCHEMA: Settings = {
  format_schema_source: "string",
  format_schema: "syntax = 'proto3'; message Line { string line = 7; }",
  format_schema_message_name: "Line",
};

const PLAIN = [
  ..."Arrow ArrowStream BSONEachRow Buffers CSV CSVWithNames CSVWithNamesAndTypes".split(" "),
  ..."CustomSeparated CustomSeparatedWithNames CustomSeparatedWithNamesAndTypes Hash".split(" "),
  ..."JSON JSONColumns JSONColumnsWithMetadata JSONCompact JSONCompactColumns JSONCompactEachRow".split(" "),
  ..."JSONCompactEachRowWithNames JSONCompactEachRowWithNamesAndTypes JSONCompactStrings JSONCompactStringsEachRow".split(
    " ",
  ),
  ..."JSONCompactStringsEachRowWithNames JSONCompactStringsEachRowWithNamesAndTypes JSONEachRow JSONL JSONLines".split(
    " ",
  ),
  ..."JSONObjectEachRow JSONStrings JSONStringsEachRow NDJSON Markdown MD MsgPack MySQLWire Native Null".split(" "),
  ..."ODBCDriver2 ORC Parquet PostgreSQLWire Pretty PrettyCompact PrettyCompactMonoBlock PrettyCompactNoEscapes".split(
    " ",
  ),
  ..."PrettyCompactNoEscapesMonoBlock PrettyJSONEachRow PrettyJSONLines PrettyMonoBlock PrettyNDJSON PrettyNoEscapes".split(
    " ",
  ),
  ..."PrettyNoEscapesMonoBlock PrettySpace PrettySpaceMonoBlock PrettySpaceNoEscapes PrettySpaceNoEscapesMonoBlock".split(
    " ",
  ),
  ..."Protobuf ProtobufList RowBinary RowBinaryWithNames RowBinaryWithNamesAndTypes SQLInsert TabSeparated".split(" "),
  ..."TabSeparatedWithNames TabSeparatedWithNamesAndTypes TSKV TSV TSVWithNames TSVWithNamesAndTypes Values".split(" "),
  ..."Vertical XML".split(" "),
];
const UNESCAPED = [
  ..."LineAsString LineAsStringWithNames LineAsStringWithNamesAndTypes Raw RawWithNames RawWithNamesAndTypes".split(
    " ",
  ),
  ..."TabSeparatedRaw TabSeparatedRawWithNames TabSeparatedRawWithNamesAndTypes TSVRaw TSVRawWithNames".split(" "),
  ..."TSVRawWithNamesAndTypes".split(" "),
];
const WITH_PROGRESS = [
  "JSONCompactEachRowWithProgress",
  "JSONCompactStringsEachRowWithProgress",
  "JSONEachRowWithProgress",
  "JSONStringsEachRowWithProgress",
];
const SPECIAL: Readonly<Record<string, Special>> = {
  Avro: { compared: "bytes without marks" },
  AvroConfluent: {
    refused: {
      reason: "it asks a registry of schemas, another server, which no client may name",
      settings: { format_avro_schema_registry_url: "http://127.0.0.1:1" },
    },
  },
  GeoJSON: { shape: "points" },
  Npy: { shape: "numbers" },
  PNG: { shape: "pixels", settings: { output_format_image_width: "1000", output_format_image_height: "1000" } },
  Prometheus: { shape: "metrics" },
  ProtobufSingle: { shape: "document" },
  RawBLOB: { shape: "document" },
  Template: { shape: "unescaped", settings: TEMPLATE },
};

export const OUTPUT_FORMATS: readonly OutputFormat[] = [
  ...PLAIN.map((name) => outputFormat(name, {})),
  ...UNESCAPED.map((name) => outputFormat(name, { shape: "unescaped" })),
  ...WITH_PROGRESS.map((name) => outputFormat(name, { compared: "lines without progress" })),
  ...Object.entries(SPECIAL).map(([name, special]) => outputFormat(name, special)),
];

function outputFormat(name: string, special: Special): OutputFormat {
  const { settings, ...rest } = special;
  return { name, shape: "usage", compared: "bytes", refused: null, ...rest, settings: { ...EVERY, ...settings } };
}
