/**
 * Just enough of a statement to carry it out safely: is it an INSERT, where does its data begin, does it read `input(…)`, which format does it
 * name. Works on tokens (strings, comments and brackets are respected), never on the data behind them.
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
};
export type OtherStatement = { readonly kind: "other"; readonly format: string | null };
export type Statement = InsertStatement | OtherStatement;

type Token = { readonly text: string; readonly start: number; readonly end: number; readonly depth: number };

/** Statements are short; data may be long. Nothing behind this many characters is looked at for keywords. */
const HEAD_CHARACTERS_MAX = 262_144;
const TOKEN =
  /(--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)|([A-Za-z_][A-Za-z0-9_]*)|([()])|(\S)/gy;

export function parseStatement(text: string): Statement {
  const head = text.slice(0, HEAD_CHARACTERS_MAX);
  const tokens = tokensOf(head);
  if (tokens[0]?.text.toUpperCase() !== "INSERT") return { kind: "other", format: trailingFormat(tokens) };
  return parseInsert(text, tokens);
}

function parseInsert(text: string, tokens: readonly Token[]): InsertStatement {
  const { select, values, format, name, settings } = insertKeywords(tokens);
  const formatStart = startOf(format, text.length);
  const settingsStart = startOf(settings, formatStart);
  return {
    kind: "insert",
    source: select !== undefined ? "select" : format !== undefined ? "data" : "values",
    beforeSettings: text.slice(0, (settings ?? format) !== undefined ? settingsStart : startOf(values, text.length)),
    settings: settings === undefined ? "" : text.slice(settingsStart, formatStart),
    format: name === undefined ? "Values" : name.text,
    dataStart: name === undefined ? text.length : afterLineEnd(text, name.end),
    input: select === undefined ? null : inputCall(text, tokens),
    formatStart,
    target: targetOf(tokens),
  };
}

function startOf(token: Token | undefined, otherwise: number): number {
  return token === undefined ? otherwise : token.start;
}

type InsertKeywords = { readonly [Name in "select" | "values" | "format" | "name" | "settings"]: Token | undefined };

/** The keywords that divide an INSERT. In INSERT … SELECT the query may have a FORMAT and SETTINGS of its own, and the last FORMAT counts. */
function insertKeywords(tokens: readonly Token[]): InsertKeywords {
  const keyword = (...names: string[]): Token | undefined =>
    tokens.find((token) => token.depth === 0 && names.includes(token.text.toUpperCase()));
  const select = keyword("SELECT", "WITH");
  const format = select === undefined ? keyword("FORMAT") : lastOf(tokens, "FORMAT");
  const name = format === undefined ? undefined : tokens[tokens.indexOf(format) + 1];
  const settings = select === undefined ? keyword("SETTINGS") : undefined;
  return { select, values: keyword("VALUES"), format, name, settings };
}

/** One line end after the format's name belongs to the statement, the rest is data. */
function afterLineEnd(text: string, end: number): number {
  const gap = /^[ \t;]*\r?\n?/.exec(text.slice(end, end + 64))?.[0].length ?? 0;
  return end + gap;
}

function inputCall(text: string, tokens: readonly Token[]): InsertStatement["input"] {
  const index = tokens.findIndex((token, at) => token.text.toLowerCase() === "input" && tokens[at + 1]?.text === "(");
  const name = tokens[index];
  const structure = tokens[index + 2];
  const close = tokens[index + 3];
  if (name === undefined || structure === undefined || close?.text !== ")") return null;
  return { start: name.start, end: close.end, structure: text.slice(structure.start, structure.end) };
}

/** `meterline.usage_ingest` of `INSERT INTO [TABLE] meterline.usage_ingest (…)`. */
function targetOf(tokens: readonly Token[]): string {
  const into = tokens.findIndex((token) => token.text.toUpperCase() === "INTO");
  const first = tokens[into + 1]?.text.toUpperCase() === "TABLE" ? into + 2 : into + 1;
  const parts = tokens[first + 1]?.text === "." ? tokens.slice(first, first + 3) : tokens.slice(first, first + 1);
  return parts.map((token) => token.text).join("");
}

/** The format at the end of a query, where it may be followed by SETTINGS only. */
function trailingFormat(tokens: readonly Token[]): string | null {
  const token = lastOf(tokens, "FORMAT");
  return token === undefined ? null : (tokens[tokens.indexOf(token) + 1]?.text ?? null);
}

function lastOf(tokens: readonly Token[], name: string): Token | undefined {
  return tokens.findLast((token, index) => {
    const next = tokens[index + 1];
    return token.depth === 0 && token.text.toUpperCase() === name && next !== undefined && /^[A-Za-z]/.test(next.text);
  });
}

function tokensOf(head: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < head.length;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(head);
    if (match === null) {
      at += 1;
      continue;
    }
    const text = match[0];
    at += text.length;
    if (match[1] !== undefined) continue;
    if (text === ")") depth -= 1;
    tokens.push({ text, start: match.index, end: at, depth });
    if (text === "(") depth += 1;
    // Behind FORMAT <name> of an INSERT stands data, not SQL.
    if (depth === 0 && isDataFollowing(tokens)) break;
  }
  return tokens;
}

function isDataFollowing(tokens: readonly Token[]): boolean {
  return (
    tokens[0]?.text.toUpperCase() === "INSERT" &&
    (tokens.at(-2)?.text.toUpperCase() === "FORMAT" || tokens.at(-1)?.text.toUpperCase() === "VALUES")
  );
}
