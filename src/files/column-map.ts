/**
 * A column map says how a row of a CSV file becomes an event: each part of the event is a constant, a column or a template over columns.
 * Cells go into the event as the texts they are (a meter reads decimal strings exactly); `as: number` writes them as JSON numbers, digit for digit.
 */
import { parseDocument } from "yaml";
import { z } from "zod";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { AppError } from "../kernel/errors.ts";
import { sha256Hex } from "../kernel/hash.ts";
import { parseInstant, instantText } from "../kernel/instant.ts";
import { isTimeZone, localInstant } from "../kernel/period.ts";

const columnName = z.string().min(1);
const textField = z.union(
  [z.string().min(1), z.strictObject({ column: columnName }), z.strictObject({ template: z.string().min(1) })],
  'write a text, { column: NAME }, or { template: "text {NAME} {row}" }',
);
const timeField = z.union(
  [
    z.string().min(1),
    z.strictObject({
      column: columnName,
      /** For times without an offset. */
      timeZone: z.string().refine(isTimeZone).optional(),
    }),
  ],
  "write a text, { column: NAME }, or { column: NAME, timeZone: Europe/Berlin } for times without an offset",
);
const dataField = z.union(
  [
    z.string(),
    z.strictObject({ column: columnName, as: z.enum(["text", "number"]).default("text") }),
    z.strictObject({ template: z.string() }),
  ],
  'write a text, { column: NAME }, { column: NAME, as: number }, or { template: "text {NAME} {row}" }',
);

const mapSchema = z.strictObject({
  source: textField,
  id: textField,
  type: textField,
  subject: textField,
  time: timeField.optional(),
  data: z.record(z.string().min(1), dataField).default({}),
  /** Cells with one of these texts count as missing. */
  missing: z.array(z.string()).default([""]),
  delimiter: z.string().length(1).default(","),
});

export type ColumnMap = z.output<typeof mapSchema>;
type TextField = ColumnMap["source"];
type TimeField = NonNullable<ColumnMap["time"]>;
type DataField = ColumnMap["data"][string];

/** A row by its header, and its number from 1. */
export type CsvRow = { readonly number: number; readonly cells: ReadonlyMap<string, string> };
export type MappedEvent =
  { readonly source: string; readonly id: string; readonly text: string } | { readonly problem: string };

const PLACEHOLDER = /\{([^{}]+)\}/g;
const ROW = "row";
/** Identifies a row by all its cells, where no column does; with the row's number also rows that are there twice. */
const ROW_HASH = "rowHash";
const ROW_HASH_DIGITS = 24;
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Reads a map from YAML; throws `invalid` with every problem and its place. */
export function parseColumnMap(text: string, file: string): ColumnMap {
  const document = parseDocument(text);
  const syntax = document.errors.map((error) => error.message.split("\n")[0] ?? "not YAML");
  const result = mapSchema.safeParse(document.errors.length > 0 ? null : document.toJS());
  if (result.success) return result.data;
  const problems =
    syntax.length > 0
      ? syntax
      : result.error.issues.map((issue) => `${issue.path.join(".") || "the map"}: ${issue.message}`);
  throw new AppError({
    code: "COLUMN_MAP_INVALID",
    kind: "invalid",
    message: `${file} is no column map (docs/publishing.md shows one):\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    details: { problems },
  });
}

/** The columns that the map names. */
export function columnsOf(map: ColumnMap): readonly string[] {
  const fields = [
    map.source,
    map.id,
    map.type,
    map.subject,
    ...(map.time ? [map.time] : []),
    ...Object.values(map.data),
  ];
  const names = fields.flatMap((field) => {
    if (typeof field === "string") return [];
    if ("column" in field) return [field.column];
    return [...field.template.matchAll(PLACEHOLDER)]
      .map((match) => match[1] ?? "")
      .filter((name) => name !== ROW && name !== ROW_HASH);
  });
  return [...new Set(names)];
}

/** The event of a row as JSON text; a problem names the attribute, the cell and what is wrong with it. */
export function eventOfRow(map: ColumnMap, row: CsvRow): MappedEvent {
  const missing = new Set(map.missing);
  const attributes: [string, string][] = [["specversion", JSON.stringify("1.0")]];
  for (const name of ["id", "source", "type", "subject"] as const) {
    const value = textOf(map[name], { row, missing });
    if (value === undefined || value === "") return { problem: `${name} is missing: ${described(map[name])} is empty` };
    attributes.push([name, JSON.stringify(value)]);
  }
  if (map.time !== undefined) {
    const time = timeOf(map.time, { row, missing });
    if ("problem" in time) return time;
    attributes.push(["time", JSON.stringify(time.text)]);
  }
  const data = dataOf(map, { row, missing });
  if ("problem" in data) return data;
  attributes.push(["data", data.text]);
  const [source = "", id = ""] = [map.source, map.id].map((field) => textOf(field, { row, missing }));
  return { source, id, text: objectText(attributes) };
}

type Cells = { readonly row: CsvRow; readonly missing: ReadonlySet<string> };

function cellOf(column: string, { row, missing }: Cells): string | undefined {
  const cell = row.cells.get(column);
  return cell === undefined || missing.has(cell) ? undefined : cell;
}

function textOf(field: TextField | DataField, cells: Cells): string | undefined {
  if (typeof field === "string") return field;
  if ("column" in field) return cellOf(field.column, cells);
  let complete = true;
  const text = field.template.replace(PLACEHOLDER, (_match, name: string) => {
    const cell = ofRow(name, cells.row) ?? cellOf(name, cells);
    complete &&= cell !== undefined;
    return cell ?? "";
  });
  return complete ? text : undefined;
}

function ofRow(name: string, row: CsvRow): string | undefined {
  if (name === ROW) return String(row.number);
  if (name === ROW_HASH) return sha256Hex(canonicalJson([...row.cells])).slice(0, ROW_HASH_DIGITS);
  return undefined;
}

function timeOf(field: TimeField, cells: Cells): { readonly text: string } | { readonly problem: string } {
  const text = typeof field === "string" ? field : cellOf(field.column, cells);
  if (text === undefined) return { problem: `time is missing: ${described(field)} is empty` };
  const iso = text
    .trim()
    .replace(" ", "T")
    .replace(/\.(\d*?)0+(?=\D|$)/, (_match, digits: string) => (digits === "" ? "" : `.${digits}`));
  const instant = parseInstant(iso) ?? localTime(iso, typeof field === "string" ? undefined : field.timeZone);
  if (instant !== undefined) return { text: instantText(instant) };
  return { problem: `time is "${text}": a date and time is needed, with an offset or with the map's timeZone` };
}

function localTime(iso: string, timeZone: string | undefined): bigint | undefined {
  if (timeZone === undefined) return undefined;
  if (timeZone === "UTC") return parseInstant(`${iso}Z`);
  try {
    return localInstant({ local: iso, timeZone });
  } catch {
    return undefined;
  }
}

function dataOf(map: ColumnMap, cells: Cells): { readonly text: string } | { readonly problem: string } {
  const members: [string, string][] = [];
  for (const [name, field] of Object.entries(map.data)) {
    const value = textOf(field, cells);
    if (value === undefined) continue;
    const asNumber = typeof field === "object" && "column" in field && field.as === "number";
    if (asNumber && !JSON_NUMBER.test(value)) return { problem: `data.${name} is "${value}": not a number` };
    members.push([name, asNumber ? value : JSON.stringify(value)]);
  }
  return { text: objectText(members) };
}

function objectText(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

function described(field: TextField | TimeField): string {
  if (typeof field === "string") return "the constant";
  return "column" in field ? `the column ${field.column}` : `the template ${field.template}`;
}
