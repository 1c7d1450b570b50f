/**
 * Where the statement of a request ends and its data begins. Only an INSERT is followed by data. The text is latin1, one character per byte, so that
 * positions are bytes: the data may be anything.
 */
import { tokensOf, upper, type Token } from "./sql-text.ts";

export type StatementHead =
  /** No data follows: the whole text is the statement. */
  | { readonly kind: "statement" }
  /** `end` is where the statement ends and its data begins. */
  | { readonly kind: "insert"; readonly end: number; readonly format: string };

/** What follows a column that is called `format`; no format has such a name. */
const NO_FORMATS = new Set(
  "AS FROM WHERE PREWHERE AND OR NOT IN IS LIKE ILIKE BETWEEN THEN END ASC DESC GROUP ORDER HAVING LIMIT UNION".split(
    " ",
  ),
);

export function readStatementHead(text: string): StatementHead {
  const tokens = tokensOf(text, isDataFollowing);
  if (upper(tokens[0]) !== "INSERT") return { kind: "statement" };
  if (upper(tokens.at(-1)) === "VALUES" && tokens.at(-1)?.depth === 0)
    return { kind: "insert", end: tokens.at(-1)?.end ?? 0, format: "Values" };
  const format = lastFormat(tokens);
  if (format === null || isSelectWithoutInput(tokens)) return { kind: "statement" };
  return { kind: "insert", end: afterLineEnd(text, format.end), format: format.name };
}

/** The FORMAT at the end of a statement, where SETTINGS may follow; `format` is also a likely name of a column. */
export function lastFormat(tokens: readonly Token[]): { start: number; end: number; name: string } | null {
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    const [token, name, next] = [tokens[at], tokens[at + 1], upper(tokens[at + 2])];
    if (token === undefined || token.depth !== 0 || upper(token) !== "FORMAT" || !isFormatName(name)) continue;
    if (next === "" || next === ";" || next === "SETTINGS")
      return { start: token.start, end: name.end, name: name.text.replaceAll("`", "") };
  }
  return null;
}

function isFormatName(token: Token | undefined): token is Token {
  return token !== undefined && /^[A-Za-z`]/.test(token.text) && !NO_FORMATS.has(upper(token));
}

function isDataFollowing(tokens: readonly Token[]): boolean {
  if (upper(tokens[0]) !== "INSERT") return false;
  const isSelect = tokens.some((token) => token.depth === 0 && ["SELECT", "WITH"].includes(upper(token)));
  if (upper(tokens.at(-2)) === "FORMAT") return isFormatName(tokens.at(-1));
  return upper(tokens.at(-1)) === "VALUES" && !isSelect;
}

/** `INSERT … SELECT` takes data only where it reads `input(…)`. */
function isSelectWithoutInput(tokens: readonly Token[]): boolean {
  const isSelect = tokens.some((token) => token.depth === 0 && ["SELECT", "WITH"].includes(upper(token)));
  return isSelect && !tokens.some((token, at) => upper(token) === "INPUT" && tokens[at + 1]?.text === "(");
}

/** One line end after the format's name belongs to the statement, the rest is data. */
function afterLineEnd(text: string, end: number): number {
  return end + (/^[ \t;]*\r?\n?/.exec(text.slice(end, end + 64))?.[0].length ?? 0);
}
