/** Every input format of the engine, with what is made to be read in it: the engine's own result in that format, or one that becomes such an input. */
import { debugInfo } from "./debug-info.ts";
import { OUTPUT_FORMATS, TEMPLATE, type Refusal, type Settings } from "./output-formats.ts";
import { SHAPES, type ShapeName } from "./shapes.ts";

/** Parts of a body, as the engine writes them one behind the other. */
export type Part = { readonly select: string; readonly format: string; readonly settings: Settings };
export type Body = { readonly parts: readonly Part[] } | { readonly bytes: Iterable<Uint8Array> };
export type InputFormat = {
  readonly name: string;
  readonly structure: string;
  readonly settings: Settings;
  readonly body: (rows: number) => Body;
  /** The rows that have to come out, where they are those of a shape; otherwise what the bare engine reads counts. */
  readonly source: ShapeName | null;
  readonly refused: Refusal | null;
};

const CSV_FIELDS: Settings = { format_custom_escaping_rule: "CSV", format_custom_field_delimiter: "," };
const SPACED_FIELDS: Settings = { format_custom_escaping_rule: "CSV", format_custom_field_delimiter: "  ,   " };
const BARRED: Settings = { format_custom_escaping_rule: "Raw", format_custom_field_delimiter: "|" };
const TEMPLATE_FILE: Refusal = {
  reason: "for reading, the engine takes its template from a file only, which no client may name",
  settings: { format_template_row: "/etc/hostname" },
};
const METADATA_STRUCTURE =
  "num_columns UInt64, num_rows UInt64, num_row_groups UInt64, format_version String, metadata_size UInt64, " +
  "total_uncompressed_size UInt64, total_compressed_size UInt64";
const DEBUG_INFO_STRUCTURE =
  "offset UInt64, size UInt32, tag LowCardinality(String), unit_name LowCardinality(String), name String";

/** What the engine writes and reads in one format, rows of one shape there and back. */
const THERE_AND_BACK: readonly InputFormat[] = OUTPUT_FORMATS.filter(({ name }) => isInput(name)).map((format) => {
  const { name, shape, settings, refused } = format;
  const { structure, select } = SHAPES[shape];
  const body = (rows: number): Body => ({ parts: [{ select: select(rows), format: name, settings }] });
  if (name === "Template") return { name, structure, settings, body, source: shape, refused: TEMPLATE_FILE };
  // Points come back as a geometry with an object of properties.
  return { name, structure, settings, body, source: shape === "points" ? null : shape, refused };
});

function isInput(name: string): boolean {
  const isOutputOnly =
    /^(Hash|JSONCompactStrings|JSONStrings|Markdown|MD|MySQLWire|Null|ODBCDriver2|PNG|PostgreSQLWire|Pretty.*|Prometheus|SQLInsert|Vertical|XML|LineAsString.*|.*WithProgress)$/;
  return !isOutputOnly.test(name);
}

type Only = {
  readonly shape: ShapeName;
  readonly written: string;
  readonly writing?: Settings;
  readonly settings?: Settings;
};

/** Read only: written in another format, whose bytes are such an input too. */
function onlyRead(name: string, { shape, written, writing = {}, settings = {} }: Only): InputFormat {
  const { structure, select } = SHAPES[shape];
  const body = (rows: number): Body => ({ parts: [{ select: select(rows), format: written, settings: writing }] });
  return { name, structure, settings, body, source: shape, refused: null };
}

const READ_ONLY: readonly InputFormat[] = [
  ...["", "WithNames", "WithNamesAndTypes"].map((head) =>
    onlyRead(`CustomSeparatedIgnoreSpaces${head}`, {
      shape: "unescaped",
      written: `CustomSeparated${head}`,
      writing: SPACED_FIELDS,
      settings: CSV_FIELDS,
    }),
  ),
  onlyRead("LineAsString", { shape: "lines", written: "LineAsString" }),
  onlyRead("MySQLDump", { shape: "usage", written: "SQLInsert" }),
  onlyRead("Regexp", {
    shape: "unescaped",
    written: "CustomSeparated",
    writing: BARRED,
    settings: { format_regexp: String.raw`([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)` },
  }),
  {
    ...onlyRead("TemplateIgnoreSpaces", { shape: "unescaped", written: "Template", writing: TEMPLATE }),
    settings: TEMPLATE,
    refused: TEMPLATE_FILE,
  },
  {
    ...onlyRead("Form", { shape: "document", written: "RawBLOB" }),
    body: (rows) => ({
      parts: [
        {
          select: `SELECT concat('text=', text) FROM (${SHAPES.document.select(rows)})`,
          format: "RawBLOB",
          settings: {},
        },
      ],
    }),
  },
  { ...onlyRead("JSONAsString", { shape: "lines", written: "JSONEachRow" }), ...jsonLines("line String") },
  { ...onlyRead("JSONAsObject", { shape: "lines", written: "JSONEachRow" }), ...jsonLines("data JSON") },
  {
    ...onlyRead("DWARF", { shape: "lines", written: "RawBLOB" }),
    structure: DEBUG_INFO_STRUCTURE,
    source: null,
    body: (rows) => ({ bytes: debugInfo(rows) }),
  },
  { ...onlyRead("One", { shape: "lines", written: "LineAsString" }), structure: "dummy UInt8", source: null },
  {
    ...onlyRead("ParquetMetadata", { shape: "usage", written: "Parquet" }),
    structure: METADATA_STRUCTURE,
    source: null,
  },
  { ...onlyRead("RowBinaryWithDefaults", { shape: "usage", written: "RowBinary" }), body: marked },
  {
    ...onlyRead("RowBinaryWithNamesAndTypesAndDefaults", { shape: "usage", written: "RowBinary" }),
    body: (rows) => ({
      parts: [
        { select: SHAPES.usage.select(0), format: "RowBinaryWithNamesAndTypes", settings: {} },
        ...marked(rows).parts,
      ],
    }),
  },
];

/** Each row as the text or the object that it is. */
function jsonLines(structure: string): Pick<InputFormat, "structure" | "source" | "body"> {
  const body = (rows: number): Body => ({
    parts: [{ select: SHAPES.unescaped.select(rows), format: "JSONEachRow", settings: {} }],
  });
  return { structure, source: null, body };
}

/** Before each value a byte that says that it is one, and not the column's default. */
function marked(rows: number): { readonly parts: readonly Part[] } {
  const columns = ["n", "customer", "amount", "at", "note"].map((name) => `toUInt8(0) AS _${name}, ${name}`);
  const select = `SELECT ${columns.join(", ")} FROM (${SHAPES.usage.select(rows)})`;
  return { parts: [{ select, format: "RowBinary", settings: {} }] };
}

export const INPUT_FORMATS: readonly InputFormat[] = [...THERE_AND_BACK, ...READ_ONLY];
