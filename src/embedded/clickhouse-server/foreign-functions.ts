/** Functions and engines of tables by what they reach: files, other servers and programs are out of reach for clients, and so is what a later engine adds. */

/** What the engine says of its functions, in lower case. */
export type EngineFunctions = {
  readonly tables: ReadonlySet<string>;
  /** Take the name of another function as their first argument. */
  readonly higherOrder: ReadonlySet<string>;
  /** Of tables and of databases. */
  readonly engines: ReadonlySet<string>;
};

/** Engines that keep their data in the data directory, or have none. The others read files, other servers or programs, or write where they are told. */
export const LOCAL_ENGINES: readonly string[] = [
  ...["", "Replacing", "Summing", "Aggregating", "Collapsing", "VersionedCollapsing", "Graphite", "Coalescing"].map(
    (kind) => `${kind}MergeTree`,
  ),
  ..."Null Memory Log TinyLog StripeLog Buffer Set Join Merge Dictionary GenerateRandom View MaterializedView".split(
    " ",
  ),
  ..."Atomic Ordinary".split(" "),
];
const LOCAL_ENGINE_NAMES = new Set(LOCAL_ENGINES.map((name) => name.toLowerCase()));

/** Table functions that stay within the engine. Any other, also one that a later engine brings, is refused. */
const LOCAL_TABLE_FUNCTIONS = new Set(
  (
    "numbers numbers_mt zeros zeros_mt primes generate_series generateseries generaterandom values sqlstandardvalues null format input view viewifpermitted " +
    "viewexplain merge mergetreeindex mergetreeprojection mergetreetextindex mergetreeanalyzeindexes mergetreeanalyzeindexesuuid loop dictionary " +
    "fuzzquery fuzzjson timeseriesselector timeseriesmetrics timeseriestags timeseriessamples timeseriesdata"
  ).split(" "),
);
/** Functions that read files or load programs; no grant covers them. */
const FOREIGN_FUNCTIONS = new Set(["file", "catboostevaluate"]);
/** Their arguments hold a structure or data as text, and expressions in it. */
const TEXT_FUNCTIONS = new Set(["format", "values", "input", "null", "generaterandom", "fuzzjson"]);
/** Text without any of these names no foreign function: neither in plain letters, nor by escapes in a quoted name or by a parameter, nor in the text of a subquery's table function. */
const SUSPICIOUS = /file|catboost|select|\{[^}]*identifier|["`\u201c\u201d][\s\S]*\\|\\[\s\S]*["`\u201c\u201d]/i;

export function isForeignFunction(name: string): boolean {
  return FOREIGN_FUNCTIONS.has(name);
}

export function isForeign(name: string, { tables }: EngineFunctions): boolean {
  return isForeignFunction(name) || (tables.has(name) && !LOCAL_TABLE_FUNCTIONS.has(name));
}

export function isForeignEngine(name: string, { engines }: EngineFunctions): boolean {
  return engines.has(name) && !LOCAL_ENGINE_NAMES.has(name);
}

export function takesText(name: string): boolean {
  return TEXT_FUNCTIONS.has(name);
}

/** Whether the engine has to parse the text to tell what it calls. */
export function mayNameForeign(text: string): boolean {
  return SUSPICIOUS.test(text);
}
