/** Settings that say how a format is read, of a request and of its statement. */
import type { Named } from "./engine-session.ts";
import type { HttpRequest } from "./http-request.ts";
import type { ParsedStatement } from "./parse-statement.ts";
import { literal, upper, type Token } from "./sql-text.ts";

const OF_FORMATS =
  /^(input_format_\w+|format_\w+|date_time_input_format|bool_(true|false)_representation|errors_output_format|precise_float_parsing)$/;

export type FormatSettingsInput = {
  readonly request: HttpRequest;
  readonly statement: ParsedStatement | null;
  /** Hold whatever the others say. */
  readonly fixed: Named;
};

/** As `name = value` in SQL; the statement's own after the request's, because the last one holds. */
export function formatSettingsOf({ request, statement, fixed }: FormatSettingsInput): readonly string[] {
  const given = request.settings.map(([name, value]) => [name, literal(value)] as const);
  const own = statement === null ? [] : statementSettings(statement);
  const last = new Map([...given, ...own, ...fixed].filter(([name]) => OF_FORMATS.test(name)));
  return [...last].map(([name, value]) => `${name} = ${value}`);
}

/** `SETTINGS a = 1, b = 'x'` of the statement itself, not of its subqueries. */
function statementSettings({ sql, tokens }: ParsedStatement): readonly (readonly [name: string, value: string])[] {
  const from = tokens.findIndex((token) => token.depth === 0 && upper(token) === "SETTINGS");
  if (from < 0) return [];
  const rest = tokens.slice(from + 1);
  const ends = rest.flatMap((token, at) => (isEnd(token) ? [at] : []));
  return [...ends, rest.length].flatMap((end, n) => {
    const [name, equals, ...value] = rest.slice(n === 0 ? 0 : (ends[n - 1] ?? 0) + 1, end);
    const [first, last] = [value[0], value.at(-1)];
    if (name === undefined || equals?.text !== "=" || first === undefined || last === undefined) return [];
    return [[name.text, sql.slice(first.start, last.end)] as const];
  });
}

/** What follows the settings, or stands between two of them. */
function isEnd(token: Token): boolean {
  return token.depth === 0 && [",", ";", "FORMAT", "SELECT", "WITH", "VALUES"].includes(upper(token));
}
