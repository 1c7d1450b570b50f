/** Which events of its type a meter measures, by its `where`: compiled once, and asked before anything else of the event is read. */
import {
  CONDITION_BOUNDS,
  QUANTITY_INTEGER_DIGITS,
  QUANTITY_PLACES,
  type Meter,
  type MeterCondition,
} from "../domain/meter.ts";
import { assert } from "../kernel/assert.ts";
import { fixedPointOf, type FixedPointError } from "../kernel/fixed-point.ts";
import { JsonNumber, type JsonValue } from "../kernel/json-tree.ts";
import type { EventMembers } from "./event-members.ts";
import { parseJsonPointer, type JsonPointer } from "./json-pointer.ts";

type Bound = { readonly holds: (value: bigint, bound: bigint) => boolean; readonly bound: bigint };

export type CompiledCondition = {
  readonly pointer: JsonPointer;
  readonly in: ReadonlySet<string> | undefined;
  readonly not: ReadonlySet<string> | undefined;
  readonly exists: boolean | undefined;
  readonly bounds: readonly Bound[];
  /** Of what is missing or null. */
  readonly holdsOfNothing: boolean;
  /** Asks for more than whether there is a value. */
  readonly compares: boolean;
};

/** Why a condition can't be told: its value is an object or an array, or is compared by size and is no quantity. */
export type ConditionProblem = {
  readonly condition: CompiledCondition;
  readonly problem: FixedPointError | "not_scalar";
  readonly text: string;
};

const LIMITS = { integerDigits: QUANTITY_INTEGER_DIGITS, places: QUANTITY_PLACES };
const HOLDS = {
  gt: (value: bigint, bound: bigint) => value > bound,
  gte: (value: bigint, bound: bigint) => value >= bound,
  lt: (value: bigint, bound: bigint) => value < bound,
  lte: (value: bigint, bound: bigint) => value <= bound,
} as const;

/** In the order of the pointers, so that of several problems the same one is told every time. */
export function compileFilter(where: Meter["where"]): readonly CompiledCondition[] {
  return Object.entries(where ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([pointer, condition]) => {
      const bounds = boundsOf(condition);
      const { exists } = condition;
      return {
        pointer: parseJsonPointer(pointer),
        in: condition.in === undefined ? undefined : new Set(condition.in),
        not: condition.not === undefined ? undefined : new Set(condition.not),
        exists,
        bounds,
        holdsOfNothing: exists !== true && condition.in === undefined && bounds.length === 0,
        compares: Object.keys(condition).some((name) => name !== "exists"),
      };
    });
}

/** True where every condition holds. A problem that stands before a condition that does not hold is told all the same. */
export function passesFilter(event: EventMembers, filter: readonly CompiledCondition[]): boolean | ConditionProblem {
  for (const condition of filter) {
    const passes = holds(event.at(condition.pointer), condition);
    if (passes !== true) return passes;
  }
  return true;
}

function holds(value: JsonValue | undefined, condition: CompiledCondition): boolean | ConditionProblem {
  if (value === undefined || value === null) return condition.holdsOfNothing;
  if (condition.exists === false) return false;
  if (!condition.compares) return true;
  const text = scalarText(value);
  if (text === undefined) return { condition, problem: "not_scalar", text: "" };
  if (condition.in?.has(text) === false || condition.not?.has(text) === true) return false;
  return condition.bounds.length === 0 || liesWithin({ value, text, condition });
}

function liesWithin(input: {
  readonly value: JsonValue;
  readonly text: string;
  readonly condition: CompiledCondition;
}): boolean | ConditionProblem {
  const { value, text, condition } = input;
  const quantity = typeof value === "boolean" ? "not_a_number" : fixedPointOf(text, LIMITS);
  if (typeof quantity !== "bigint") return { condition, problem: quantity, text };
  return condition.bounds.every((limit) => limit.holds(quantity, limit.bound));
}

function scalarText(value: JsonValue): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "true" : "false";
  return value instanceof JsonNumber ? value.text : undefined;
}

function boundsOf(condition: MeterCondition): readonly Bound[] {
  return CONDITION_BOUNDS.flatMap((name): Bound[] => {
    const text = condition[name];
    if (text === undefined) return [];
    const bound = fixedPointOf(text, LIMITS);
    assert(typeof bound === "bigint", "a bound of a meter's filter is no quantity", { bound: text });
    return [{ holds: HOLDS[name], bound }];
  });
}
