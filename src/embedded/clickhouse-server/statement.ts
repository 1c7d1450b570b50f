/**
 * Just enough of a statement to carry it out safely: is it an INSERT, where does its data begin, does it read `input(…)`, does it give rows, and which
 * format does it name. Works on tokens (strings, comments and brackets are respected), never on the data behind them. All positions are
 * positions in the given text; callers give bytes as latin1, one character per byte, so that positions are bytes too.
 */

export type InsertStatement = {
  readonly kind: "insert";
  /** Where the data comes from: rows written in the statement, a SELECT of its own, or bytes in a format. */
  readonly source: "values" | "select" | "data";
  /** The statement without its data, up to where `FROM INFILE` has to stand. */
  readonly beforeSettings: string;
  /** `SETTINGS …` of the statement, or empty. */
  readonly settings: string;
  readonly format: string;
  /** Where the data begins in the text. */
  readonly dataStart: number;
  /** The span of `input('structure')` in the text, and the structure's literal. */
  readonly input: { readonly start: number; readonly end: number; readonly structure: string } | null;
  /** The position of the FORMAT keyword. */
  readonly formatStart: number;
  readonly target: string;
  /** Reads a file of the server's machine (FROM INFILE), which is refused. */
  readonly infile: boolean;
};
export type OtherStatement = {
  readonly kind: "other";
  readonly format: string | null;
  /** `FORMAT X` in the text, or null. */
  readonly formatSpan: Span | null;
  /** Gives rows that may be many: SELECT in all its beginnings. */
  readonly reads: boolean;
  /** Changes the engine session it runs on: SET, USE, temporary tables. */
  readonly sticky: boolean;
  /** Where the statement ends, without a closing semicolon or comment. */
  readonly end: number;
  /** The position of what is refused: the semicolon before a second statement, or the INTO of INTO OUTFILE. */
  readonly second: number | null;
  readonly outfile: number | null;
};
export type Statement = InsertStatement | OtherStatement;

type Span = { readonly start: number; readonly end: number };
type Token = Span & { readonly text: string; readonly depth: number };

/** The beginning of an INSERT is short, its data may be long. Nothing behind this many characters is looked at for its keywords. */
const HEAD_CHARACTERS_MAX = 262_144;
const TOKEN =
  /(\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`)|([A-Za-z_][A-Za-z0-9_]*)|([()])|(\S)/gy;
const READING = new Set(["SELECT", "WITH", "FROM", "("]);
/** What follows a column that is called `format`; no format has such a name. */
const NO_FORMATS = new Set(
  "AS FROM WHERE PREWHERE AND OR NOT IN IS LIKE ILIKE BETWEEN THEN END ASC DESC GROUP ORDER HAVING LIMIT UNION".split(
    " ",
  ),
);

export function parseStatement(text: string): Statement {
  const tokens = tokensOf(text.slice(0, HEAD_CHARACTERS_MAX));
  if (upper(tokens[0]) === "INSERT") return parseInsert(text, tokens);
  return parseOther(text.length > HEAD_CHARACTERS_MAX ? tokensOf(text) : tokens);
}

/** Where a second statement would begin: the semicolon before it. For statements whose rows, if any, are written as SQL. */
export function secondStatementAt(text: string): number | null {
  const tokens = tokensOf(text, { stopAtData: false });
  return refused(
    tokens,
    tokens.findLast((token) => token.text !== ";"),
  ).second;
}

function parseInsert(text: string, tokens: readonly Token[]): InsertStatement {
  const { select, values, format, name, settings } = insertKeywords(tokens);
  const formatStart = startOf(format ?? values, text.length);
  const settingsStart = startOf(settings, formatStart);
  return {
    kind: "insert",
    source: select !== undefined ? "select" : format !== undefined ? "data" : "values",
    beforeSettings: text.slice(0, settingsStart),
    settings: settings === undefined ? "" : text.slice(settingsStart, formatStart),
    format: name === undefined ? "Values" : name.text,
    dataStart: name === undefined ? (values?.end ?? text.length) : afterLineEnd(text, name.end),
    input: select === undefined ? null : inputCall(text, tokens),
    formatStart,
    target: targetOf(tokens),
    infile: tokens.some((token) => token.depth === 0 && upper(token) === "INFILE"),
  };
}

function startOf(token: Token | undefined, otherwise: number): number {
  return token === undefined ? otherwise : token.start;
}

type InsertKeywords = { readonly [Name in "select" | "values" | "format" | "name" | "settings"]: Token | undefined };

/** The keywords that divide an INSERT. In INSERT … SELECT the query may have a FORMAT and SETTINGS of its own, and the last FORMAT counts. */
function insertKeywords(tokens: readonly Token[]): InsertKeywords {
  const keyword = (...names: string[]): Token | undefined =>
    tokens.find((token) => token.depth === 0 && names.includes(upper(token)));
  const select = keyword("SELECT", "WITH");
  const format = select === undefined ? keyword("FORMAT") : lastFormat(tokens);
  const name = format === undefined ? undefined : tokens[tokens.indexOf(format) + 1];
  const settings = select === undefined ? keyword("SETTINGS") : undefined;
  const values = select === undefined && format === undefined ? keyword("VALUES") : undefined;
  return { select, values, format, name, settings };
}

/** One line end after the format's name belongs to the statement, the rest is data. */
function afterLineEnd(text: string, end: number): number {
  const gap = /^[ \t;]*\r?\n?/.exec(text.slice(end, end + 64))?.[0].length ?? 0;
  return end + gap;
}

function inputCall(text: string, tokens: readonly Token[]): InsertStatement["input"] {
  const index = tokens.findIndex((token, at) => upper(token) === "INPUT" && tokens[at + 1]?.text === "(");
  const name = tokens[index];
  const structure = tokens[index + 2];
  const close = tokens[index + 3];
  if (name === undefined || structure === undefined || close?.text !== ")") return null;
  return { start: name.start, end: close.end, structure: text.slice(structure.start, structure.end) };
}

/** `meterline.usage_ingest` of `INSERT INTO [TABLE] meterline.usage_ingest (…)`. */
function targetOf(tokens: readonly Token[]): string {
  const into = tokens.findIndex((token) => upper(token) === "INTO");
  const first = upper(tokens[into + 1]) === "TABLE" ? into + 2 : into + 1;
  const parts = tokens[first + 1]?.text === "." ? tokens.slice(first, first + 3) : tokens.slice(first, first + 1);
  return parts.map((token) => token.text).join("");
}

function parseOther(tokens: readonly Token[]): OtherStatement {
  const format = lastFormat(tokens);
  const name = format === undefined ? undefined : tokens[tokens.indexOf(format) + 1];
  const last = tokens.findLast((token) => token.text !== ";");
  return {
    kind: "other",
    format: name?.text ?? null,
    formatSpan: format === undefined || name === undefined ? null : { start: format.start, end: name.end },
    reads: READING.has(upper(tokens[0])) && !tokens.some((token) => token.depth === 0 && upper(token) === "INSERT"),
    sticky: isSticky(tokens),
    end: last?.end ?? 0,
    ...refused(tokens, last),
  };
}

function refused(tokens: readonly Token[], last: Token | undefined): Pick<OtherStatement, "second" | "outfile"> {
  const semicolon = tokens.find((token) => token.text === ";");
  const outfile = tokens.find((token, at) => upper(token) === "INTO" && upper(tokens[at + 1]) === "OUTFILE");
  return {
    second: semicolon !== undefined && last !== undefined && semicolon.start < last.start ? semicolon.start : null,
    outfile: outfile?.start ?? null,
  };
}

function isSticky(tokens: readonly Token[]): boolean {
  const first = upper(tokens[0]);
  return first === "SET" || first === "USE" || tokens.slice(1, 4).some((token) => upper(token) === "TEMPORARY");
}

/** The FORMAT at the end of a query, where SETTINGS may follow; `format` is also a likely name of a column. */
function lastFormat(tokens: readonly Token[]): Token | undefined {
  return tokens.findLast((token, index) => {
    const name = tokens[index + 1];
    const next = upper(tokens[index + 2]);
    return (
      token.depth === 0 &&
      upper(token) === "FORMAT" &&
      isFormatName(name) &&
      (next === "" || next === ";" || next === "SETTINGS")
    );
  });
}

function isFormatName(token: Token | undefined): boolean {
  return token !== undefined && /^[A-Za-z]/.test(token.text) && !NO_FORMATS.has(upper(token));
}

function upper(token: Token | undefined): string {
  return token === undefined ? "" : token.text.toUpperCase();
}

function tokensOf(head: string, { stopAtData } = { stopAtData: true }): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = 0; at < head.length;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(head);
    if (match === null) break;
    const text = match[0];
    const start = at;
    at += text.length;
    if (match[1] !== undefined) continue;
    if (text === ")") depth -= 1;
    tokens.push({ text, start, end: at, depth });
    if (text === "(") depth += 1;
    // Behind FORMAT <name> of an INSERT stands data, not SQL.
    if (stopAtData && depth === 0 && isDataFollowing(tokens)) break;
  }
  return tokens;
}

function isDataFollowing(tokens: readonly Token[]): boolean {
  if (upper(tokens[0]) !== "INSERT") return false;
  return upper(tokens.at(-1)) === "VALUES" || (upper(tokens.at(-2)) === "FORMAT" && isFormatName(tokens.at(-1)));
}
