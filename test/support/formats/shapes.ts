/** Rows that formats carry: one wide shape for those that take any columns, and one for each kind that does not. All follow from their number alone. */

export type Shape = {
  readonly structure: string;
  /** The SELECT of that many rows, or of one row of about that size where a format holds one only. */
  readonly select: (rows: number) => string;
};

/** What a usage table has: exact decimals, times, texts with all that has to be escaped, and absent ones. */
const USAGE: Shape = {
  structure: "n UInt64, customer String, amount Decimal(38, 18), at DateTime64(3, 'UTC'), note Nullable(String)",
  select: (rows) =>
    `SELECT number AS n, concat('customer-', toString(number % 997)) AS customer, CAST(toDecimal128(number, 18) / 7, 'Decimal(38, 18)') AS amount, ` +
    `CAST(toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number / 8, 'DateTime64(3, \\'UTC\\')') AS at, ` +
    `if(number % 5 = 0, NULL, concat('note "', toString(number), '"\\n\\t<&>\\'ä')) AS note FROM numbers(${rows})`,
};

/** For formats that do not escape. */
const UNESCAPED: Shape = {
  structure: "n UInt64, customer String, amount Decimal(38, 18), note String",
  select: (rows) =>
    `SELECT number AS n, concat('customer-', toString(number % 997)) AS customer, CAST(toDecimal128(number, 18) / 7, 'Decimal(38, 18)') AS amount, ` +
    `concat('note-', toString(number)) AS note FROM numbers(${rows})`,
};

const LINES: Shape = {
  structure: "line String",
  select: (rows) => `SELECT concat('line ', toString(number), ' of "some" length') AS line FROM numbers(${rows})`,
};

/** One row of a hundred bytes for each row of the others. */
const DOCUMENT: Shape = {
  structure: "text String",
  select: (rows) =>
    `SELECT repeat(repeat('0123456789abcdefghi-', 5000), ${Math.ceil(rows / 1000)}) AS text FROM numbers(1)`,
};

const NUMBERS: Shape = {
  structure: "n Float64",
  select: (rows) => `SELECT number / 3 AS n FROM numbers(${rows})`,
};

const POINTS: Shape = {
  structure: "geometry Geometry, properties JSON",
  select: (rows) =>
    `SELECT CAST((number % 180, number % 90), 'Point') AS geometry, number AS n, concat('place ', toString(number)) AS place FROM numbers(${rows})`,
};

const METRICS: Shape = {
  structure: "name String, value Float64, labels Map(String, String)",
  select: (rows) =>
    `SELECT concat('metric_', toString(number % 10)) AS name, number / 4 AS value, 'counter' AS type, 'a counter' AS help, ` +
    `map('row', toString(number)) AS labels FROM numbers(${rows})`,
};

const PIXELS: Shape = {
  structure: "r UInt8, g UInt8, b UInt8",
  select: (rows) =>
    `SELECT toUInt8(number % 251) AS r, toUInt8(number % 241) AS g, toUInt8(number % 239) AS b FROM numbers(${rows})`,
};

export const SHAPES = {
  usage: USAGE,
  unescaped: UNESCAPED,
  lines: LINES,
  document: DOCUMENT,
  numbers: NUMBERS,
  points: POINTS,
  metrics: METRICS,
  pixels: PIXELS,
} as const;

export type ShapeName = keyof typeof SHAPES;
