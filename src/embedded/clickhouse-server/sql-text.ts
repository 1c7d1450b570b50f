/**
 * Text that goes into SQL, and SQL cut into tokens. Tokens respect strings, quoted names, comments and brackets; what a statement means is left to the
 * engine's own parser (parse-statement.ts).
 */

export type Span = { readonly start: number; readonly end: number };
export type Token = Span & { readonly text: string; readonly depth: number };

const TOKEN =
  /(\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`)|([A-Za-z_][A-Za-z0-9_]*)|([()])|(\S)/gy;

/** Tokens from the beginning, until `stop` says of the ones so far that what follows is no SQL. */
export function tokensOf(text: string, stop: (tokens: readonly Token[]) => boolean = () => false): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) break;
    if (match[1] !== undefined) continue;
    const token = match[0];
    if (token === ")") depth -= 1;
    tokens.push({ text: token, start: at, end: TOKEN.lastIndex, depth });
    if (token === "(") depth += 1;
    if (depth === 0 && stop(tokens)) break;
  }
  return tokens;
}

export function upper(token: Token | undefined): string {
  return token === undefined ? "" : token.text.toUpperCase();
}

export function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

export function identifier(name: string): string {
  return `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}
