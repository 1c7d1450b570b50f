/** Expressions: how they bind, and where what is wrong. */
import { expect, it } from "vitest";
import type { Expression } from "../../../../src/domain/value-expression/expression-tree.ts";
import { parseExpression } from "../../../../src/domain/value-expression/parse-expression.ts";

/** With every bracket that binding implies. */
function bracketed(expression: Expression): string {
  switch (expression.kind) {
    case "number":
      return expression.text;
    case "pointer":
      return expression.pointer;
    case "negate":
      return `(-${bracketed(expression.operand)})`;
    case "call":
      return `${expression.name}(${expression.operands.map(bracketed).join(" ")})`;
    default:
      return `(${bracketed(expression.left)}${expression.kind}${bracketed(expression.right)})`;
  }
}

it.each([
  ["/data/inputTokens + 4 * /data/outputTokens", "(/data/inputTokens+(4*/data/outputTokens))"],
  ["1-2-3", "((1-2)-3)"],
  ["1 - (2 - 3)", "(1-(2-3))"],
  ["-/a * 2", "((-/a)*2)"],
  ["2 * - - 3", "(2*(-(-3)))"],
  ["/data/input-tokens - 1", "(/data/input-tokens-1)"],
  ['"/data/a b" + "/data/c+d"', "(/data/a b+/data/c+d)"],
  ["min(1, max(/a, 2), 3 + 4)", "min(1 max(/a 2) (3+4))"],
  ["round( /a , 2 )", "round(/a 2)"],
  ["ceil(floor(coalesce(/a, 0)))", "ceil(floor(coalesce(/a 0)))"],
])("reads %s", (text, meant) => {
  const parsed = parseExpression(text);
  expect("problem" in parsed ? parsed : bracketed(parsed)).toBe(meant);
});

it.each([
  ["", 1, /is missing before the end/],
  ["1 +", 4, /is missing before the end/],
  ["1 2", 3, /an operator is missing before "2"/],
  ["(1 + 2", 7, /"\)" is missing before the end/],
  ["1 + * 2", 5, /is missing before "\*"/],
  ["/a / 2", 4, /an operator is missing before "\/"/],
  ["/a~2 + 1", 1, /"\/a~2" is no JSON pointer/],
  ["1 + mx(1, 2)", 5, /there is no function mx; did you mean max\?/],
  ["tokens + 1", 1, /there is no function tokens.*a value of the event is a pointer, such as \/data\/tokens/],
  ["min(1)", 1, /min takes two or more operands/],
  ["ceil(1, 2, 3)", 1, /ceil takes one or two operands/],
  ["round(1, 19)", 1, /the places of round must be a whole number from 0 to 18/],
  ["round(1, /data/places)", 1, /the places of round must be/],
  ["1e3", 1, /is no number/],
  ["01", 1, /is no number/],
  ["1.2.3", 1, /is no number/],
  ["2 ** 3", 4, /is missing before "\*"/],
  ["process.exit(1)", 8, /is no number/],
  ["0.1234567890123456789", 1, /has more than 18 digits/],
  [`${"(".repeat(25)}1${")".repeat(25)}`, 21, /is nested more than 20 deep/],
  [Array.from({ length: 60 }, () => "1").join("+"), 100, /has more than 100 parts/],
  ["1".repeat(1_001), 1_001, /is longer than 1000 characters/],
])("refuses %j at its place", (text, position, problem) => {
  expect(parseExpression(text)).toMatchObject({ position, problem: expect.stringMatching(problem) as unknown });
});
