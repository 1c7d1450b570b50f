/**
 * Reads `/data/inputTokens + 4 * /data/outputTokens` by recursive descent: `*` before `+` and `-`, equals from the left. Length, depth and number of
 * parts are bounded, and nothing is ever evaluated by the runtime.
 */
import { nearestName } from "../../kernel/nearest-name.ts";
import {
  EXPRESSION_DEPTH_MAX,
  EXPRESSION_FUNCTIONS,
  EXPRESSION_LENGTH_MAX,
  EXPRESSION_NODES_MAX,
  type Expression,
  type ExpressionFunction,
} from "./expression-tree.ts";
import { tokensOf, type ExpressionProblem, type Token } from "./expression-tokens.ts";

/** How many operands a function takes; `round`, `floor` and `ceil` take the number of places as the second one. */
const OPERANDS: Readonly<Record<ExpressionFunction, { readonly least: number; readonly most: number }>> = {
  min: { least: 2, most: Infinity },
  max: { least: 2, most: Infinity },
  coalesce: { least: 2, most: Infinity },
  round: { least: 1, most: 2 },
  floor: { least: 1, most: 2 },
  ceil: { least: 1, most: 2 },
};
const PLACES = /^(?:\d|1[0-8])$/;
const DIGITS_MAX = 18;

/** The tree, or the first problem with its place. */
export function parseExpression(text: string): Expression | ExpressionProblem {
  if (text.length > EXPRESSION_LENGTH_MAX)
    return { position: EXPRESSION_LENGTH_MAX + 1, problem: `is longer than ${EXPRESSION_LENGTH_MAX} characters` };
  const tokens = tokensOf(text);
  if ("problem" in tokens) return tokens;
  const reading: Reading = { tokens, at: 0, nodes: 0 };
  try {
    const expression = sum(reading, 0);
    const rest = peek(reading);
    return rest.kind === "end" ? expression : problemAt(rest, `an operator is missing before "${rest.text}"`);
  } catch (error) {
    if (error instanceof Unreadable) return error.problem;
    throw error;
  }
}

/** Ends the descent; never leaves this file. */
class Unreadable extends Error {
  readonly problem: ExpressionProblem;
  constructor(problem: ExpressionProblem) {
    super(problem.problem);
    this.problem = problem;
  }
}

type Reading = { readonly tokens: readonly Token[]; at: number; nodes: number };

function sum(reading: Reading, depth: number): Expression {
  let left = product(reading, depth);
  for (let next = peek(reading); next.text === "+" || next.text === "-"; next = peek(reading)) {
    if (next.kind !== "symbol") break;
    reading.at += 1;
    left = counted(reading, next, { kind: next.text, left, right: product(reading, depth) });
  }
  return left;
}

function product(reading: Reading, depth: number): Expression {
  let left = unary(reading, depth);
  for (let next = peek(reading); next.kind === "symbol" && next.text === "*"; next = peek(reading)) {
    reading.at += 1;
    left = counted(reading, next, { kind: "*", left, right: unary(reading, depth) });
  }
  return left;
}

function unary(reading: Reading, depth: number): Expression {
  const token = take(reading);
  if (depth >= EXPRESSION_DEPTH_MAX)
    throw new Unreadable(problemAt(token, `is nested more than ${EXPRESSION_DEPTH_MAX} deep`));
  if (token.kind === "number") return counted(reading, token, numberOf(token));
  if (token.kind === "pointer") return counted(reading, token, { kind: "pointer", pointer: token.text });
  if (token.kind === "name") return call(reading, token, depth + 1);
  if (token.text === "-") return counted(reading, token, { kind: "negate", operand: unary(reading, depth + 1) });
  if (token.kind === "symbol" && token.text === "(") {
    const inner = sum(reading, depth + 1);
    expect(reading, ")");
    return inner;
  }
  throw new Unreadable(problemAt(token, `a number, a pointer, a function or "(" is missing before ${shown(token)}`));
}

function call(reading: Reading, name: Token, depth: number): Expression {
  const known = EXPRESSION_FUNCTIONS.find((candidate) => candidate === name.text);
  if (known === undefined) throw new Unreadable(problemAt(name, unknownName(name.text)));
  expect(reading, "(");
  const operands = [sum(reading, depth)];
  while (peek(reading).kind === "symbol" && peek(reading).text === ",") {
    reading.at += 1;
    operands.push(sum(reading, depth));
  }
  expect(reading, ")");
  const { least, most } = OPERANDS[known];
  if (operands.length < least || operands.length > most)
    throw new Unreadable(
      problemAt(name, `${known} takes ${least === 1 ? "one or two operands" : "two or more operands"}`),
    );
  const places = least === 1 ? operands[1] : undefined;
  if (places !== undefined && !(places.kind === "number" && PLACES.test(places.text)))
    throw new Unreadable(problemAt(name, `the places of ${known} must be a whole number from 0 to 18`));
  return counted(reading, name, { kind: "call", name: known, operands });
}

function numberOf(token: Token): Expression {
  const [integer = "", fraction = ""] = token.text.split(".");
  if (integer.length <= DIGITS_MAX && fraction.length <= DIGITS_MAX) return { kind: "number", text: token.text };
  throw new Unreadable(problemAt(token, `${token.text} has more than ${DIGITS_MAX} digits before or behind the point`));
}

function unknownName(name: string): string {
  const meant = nearestName(name, [...EXPRESSION_FUNCTIONS]);
  const advice = meant === undefined ? `there are ${EXPRESSION_FUNCTIONS.join(", ")}` : `did you mean ${meant}?`;
  return `there is no function ${name}; ${advice} (a value of the event is a pointer, such as /data/${name})`;
}

function counted(reading: Reading, token: Token, node: Expression): Expression {
  reading.nodes += 1;
  if (reading.nodes <= EXPRESSION_NODES_MAX) return node;
  throw new Unreadable(problemAt(token, `has more than ${EXPRESSION_NODES_MAX} parts`));
}

function expect(reading: Reading, symbol: string): void {
  const token = take(reading);
  if (token.kind !== "symbol" || token.text !== symbol)
    throw new Unreadable(problemAt(token, `"${symbol}" is missing before ${shown(token)}`));
}

function shown(token: Token): string {
  return token.kind === "end" ? token.text : `"${token.text}"`;
}

function problemAt(token: Token, problem: string): ExpressionProblem {
  return { position: token.position, problem };
}

function take(reading: Reading): Token {
  const token = peek(reading);
  reading.at += 1;
  return token;
}

function peek(reading: Reading): Token {
  return reading.tokens[Math.min(reading.at, reading.tokens.length - 1)] as Token;
}
