/**
 * The value of an expression for one event, exactly. Between its parts a number has at most 40 digits before the point and 36 behind it; what `*`
 * takes and what comes out in the end has at most 20 and 18, as every quantity has. Beyond that there is no value but a problem: nothing is cut.
 * A missing value makes the whole missing, unless `coalesce` has another one. The limits are such that Int256 holds every step: verification
 * computes the same in SQL.
 */
import { QUANTITY_INTEGER_DIGITS, QUANTITY_PLACES } from "../domain/meter.ts";
import type { Expression } from "../domain/value-expression/expression-tree.ts";
import { assert, present } from "../kernel/assert.ts";
import { fixedPointOf, type FixedPointError } from "../kernel/fixed-point.ts";
import { JsonNumber } from "../kernel/json-tree.ts";
import type { EventMembers } from "./event-members.ts";
import { parseJsonPointer } from "./json-pointer.ts";

export type ExpressionFailure = {
  readonly problem: "missing" | "not_scalar" | FixedPointError;
  /** The pointer whose value it is; the whole expression's value without one. */
  readonly pointer?: string;
  readonly text?: string;
};
type Result = bigint | ExpressionFailure;
/** Results are scaled by 10^36, those of the whole by 10^18. */
export type Evaluate = (event: EventMembers) => Result;

const PLACES = 2 * QUANTITY_PLACES;
const LIMITS = { integerDigits: QUANTITY_INTEGER_DIGITS, places: QUANTITY_PLACES };
const UNIT = 10n ** BigInt(QUANTITY_PLACES);
const QUANTITY_END = 10n ** BigInt(QUANTITY_INTEGER_DIGITS + PLACES);
const STEP_END = 10n ** BigInt(2 * QUANTITY_INTEGER_DIGITS + PLACES);

export function compileExpression(expression: Expression): Evaluate {
  const inner = compile(expression);
  return (event) => narrowed(inner(event));
}

function compile(expression: Expression): Evaluate {
  switch (expression.kind) {
    case "number":
      return constant(expression.text);
    case "pointer":
      return reader(expression.pointer);
    case "negate":
      return mapped(compile(expression.operand), (value) => -value);
    case "call":
      return compileCall(expression);
    case "*":
      return combined([expression.left, expression.right].map(compile), (a, b) => times(narrowed(a), narrowed(b)));
    case "+":
      return combined([expression.left, expression.right].map(compile), (a, b) => bounded(a + b));
    case "-":
      return combined([expression.left, expression.right].map(compile), (a, b) => bounded(a - b));
  }
}

function compileCall({ name, operands }: Extract<Expression, { kind: "call" }>): Evaluate {
  const values = operands.map(compile);
  if (name === "coalesce") return coalesced(values);
  if (name === "min") return combined(values, (a, b) => (a < b ? a : b));
  if (name === "max") return combined(values, (a, b) => (a > b ? a : b));
  const [, places] = operands;
  const step = 10n ** BigInt(PLACES - (places?.kind === "number" ? Number(places.text) : 0));
  return mapped(present(values[0], `the operand of ${name}`), (value) => ROUNDINGS[name](value, step) * step);
}

const ROUNDINGS = {
  floor: (value: bigint, step: bigint) => value / step - (value % step < 0n ? 1n : 0n),
  ceil: (value: bigint, step: bigint) => value / step + (value % step > 0n ? 1n : 0n),
  /** Half up, away from zero. */
  round: (value: bigint, step: bigint) =>
    value < 0n ? -((2n * -value + step) / (2n * step)) : (2n * value + step) / (2n * step),
} as const;

function constant(text: string): Evaluate {
  const value = fixedPointOf(text, LIMITS);
  assert(typeof value === "bigint", "a number in an expression is no quantity", { text });
  const scaled = value * UNIT;
  return () => scaled;
}

function reader(text: string): Evaluate {
  const pointer = parseJsonPointer(text);
  return (event) => {
    const value = event.at(pointer);
    if (value === undefined || value === null) return { problem: "missing", pointer: text };
    const written = typeof value === "string" ? value : value instanceof JsonNumber ? value.text : undefined;
    if (written === undefined) return { problem: "not_scalar", pointer: text };
    const read = fixedPointOf(written, LIMITS);
    return typeof read === "bigint" ? read * UNIT : { problem: read, pointer: text, text: written };
  };
}

function mapped(operand: Evaluate, of: (value: bigint) => bigint): Evaluate {
  return (event) => {
    const value = operand(event);
    return typeof value === "bigint" ? bounded(of(value)) : value;
  };
}

/** From the left; the first failure is the whole's. */
function combined(operands: readonly Evaluate[], of: (a: bigint, b: bigint) => Result): Evaluate {
  const [first, ...rest] = operands;
  const begin = present(first, "the first operand");
  return (event) => {
    let result = begin(event);
    for (const operand of rest) {
      if (typeof result !== "bigint") return result;
      const next = operand(event);
      if (typeof next !== "bigint") return next;
      result = of(result, next);
    }
    return result;
  };
}

function coalesced(operands: readonly Evaluate[]): Evaluate {
  return (event) => {
    let result: Result = { problem: "missing" };
    for (const operand of operands) {
      result = operand(event);
      if (typeof result === "bigint" || result.problem !== "missing") return result;
    }
    return result;
  };
}

function times(a: Result, b: Result): Result {
  if (typeof a !== "bigint") return a;
  return typeof b === "bigint" ? a * b : b;
}

/** A step's result as a quantity, scaled by 10^18. */
function narrowed(value: Result): Result {
  if (typeof value !== "bigint") return value;
  if (value >= QUANTITY_END || value <= -QUANTITY_END) return { problem: "out_of_range" };
  return value % UNIT === 0n ? value / UNIT : { problem: "too_fine" };
}

function bounded(value: bigint): Result {
  return value >= STEP_END || value <= -STEP_END ? { problem: "out_of_range" } : value;
}
