/**
 * The words of an expression. A pointer ends at a space, a parenthesis, a comma, `+`, `*` or a quote, so that `/data/input-tokens` is one pointer: a
 * minus sign behind a pointer needs a space before it. A pointer with other characters stands in double quotes.
 */

export type Token = {
  readonly kind: "number" | "pointer" | "name" | "symbol" | "end";
  readonly text: string;
  /** From 1, in characters. */
  readonly position: number;
};
export type ExpressionProblem = { readonly position: number; readonly problem: string };

const WORDS =
  /\s*(?:(?<number>(?:0|[1-9]\d*)(?:\.\d+)?)(?![\w.])|"(?<quoted>[^"]*)"|(?<pointer>\/[^\s()+*,"]*)|(?<name>[A-Za-z_]\w*)|(?<symbol>[-+*(),]))/y;
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/;
const SHOWN_MAX = 20;

export function tokensOf(text: string): readonly Token[] | ExpressionProblem {
  const tokens: Token[] = [];
  const words = new RegExp(WORDS);
  const end = text.trimEnd().length;
  while (words.lastIndex < end) {
    const from = words.lastIndex;
    const word = words.exec(text);
    if (word === null) return unreadable(text, from);
    const token = tokenOf(word);
    if (token.kind === "pointer" && !POINTER.test(token.text)) {
      return { position: token.position, problem: `"${token.text.slice(0, SHOWN_MAX)}" is no JSON pointer` };
    }
    tokens.push(token);
  }
  return [...tokens, { kind: "end", text: "the end", position: end + 1 }];
}

function tokenOf(word: RegExpExecArray): Token {
  const { number, quoted, pointer, name, symbol } = word.groups ?? {};
  const position = word.index + word[0].length - word[0].trimStart().length + 1;
  if (number !== undefined) return { kind: "number", text: number, position };
  if (name !== undefined) return { kind: "name", text: name, position };
  if (symbol !== undefined) return { kind: "symbol", text: symbol, position };
  return { kind: "pointer", text: quoted ?? pointer ?? "", position };
}

function unreadable(text: string, from: number): ExpressionProblem {
  const rest = text.slice(from).trimStart();
  const position = text.length - rest.length + 1;
  return { position, problem: `"${rest.slice(0, SHOWN_MAX)}" is no number, pointer, function or operator` };
}
