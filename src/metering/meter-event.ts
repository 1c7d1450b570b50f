/**
 * What an event contributes to each meter of its type: a quantity, read exactly as written, and the dimensions. The first thing wrong, in the
 * order of the meters' keys, rejects the event, because half an event must not be billed.
 */
import { DIMENSION_BYTES_MAX, QUANTITY_INTEGER_DIGITS, QUANTITY_PLACES } from "../domain/meter.ts";
import {
  UNIQUE_VALUE_BYTES_MAX,
  type DimensionValue,
  type MeterUse,
  type Rejection,
  type RejectionReason,
} from "../domain/usage-event.ts";
import { JsonNumber, type JsonValue } from "../kernel/json-tree.ts";
import { fixedPointOf, type FixedPointError, type FixedPointLimits } from "../kernel/fixed-point.ts";
import { exceedsBytes } from "../kernel/utf8.ts";
import { pointerText } from "./json-pointer.ts";
import type { EventMembers } from "./event-members.ts";
import type { ExpressionFailure } from "./evaluate-expression.ts";
import { passesFilter, type ConditionProblem } from "./meter-filter.ts";
import type { CompiledDimension, CompiledMeter } from "./metering-catalog.ts";
import { quoted, rejection } from "./rejection.ts";

export type MeteredEvent = {
  readonly kind: "metered";
  readonly uses: readonly MeterUse[];
  /** Meters that left the event out over a wrong value, for people; empty when none did. */
  readonly skipped: string;
};

const QUANTITY_LIMITS: FixedPointLimits = { integerDigits: QUANTITY_INTEGER_DIGITS, places: QUANTITY_PLACES };
const ONE = 10n ** BigInt(QUANTITY_PLACES);

const NUMBER_REASONS: Readonly<Record<FixedPointError, RejectionReason>> = {
  not_a_number: "value_not_a_number",
  out_of_range: "value_out_of_range",
  too_fine: "value_too_fine",
};

/** Of what an expression gives, or a step on the way. */
const NUMBER_PROBLEMS: Readonly<Record<FixedPointError, string>> = {
  not_a_number: "gives no number",
  out_of_range: "gives more than 20 digits before the point",
  too_fine: "gives more than 18 digits behind the point (round it)",
};

export function meterEvent(event: EventMembers, meters: readonly CompiledMeter[]): MeteredEvent | Rejection {
  const uses: MeterUse[] = [];
  let skipped = "";
  let last: ReadDimensions | undefined;
  for (const meter of meters) {
    const read: ReadDimensions =
      last?.compiled === meter.dimensions ? last : { compiled: meter.dimensions, values: dimensionsOf(event, meter) };
    last = read;
    const use = useOf(event, meter, read.values);
    if (use === undefined) continue;
    if (use.kind === "use") {
      uses.push(use.use);
      continue;
    }
    if (!meter.skipsMissing || !use.reason.startsWith("value_")) return use;
    // A missing value is what `skip` is for; a wrong one is skipped too, but not in silence.
    if (use.reason !== "value_missing") skipped += `${skipped === "" ? "" : "; "}skipped by ${use.detail}`;
  }
  return { kind: "metered", uses, skipped };
}

/** Meters of one type mostly share their dimensions, which are then read once per event. */
type ReadDimensions = {
  readonly compiled: readonly CompiledDimension[];
  readonly values: readonly DimensionValue[] | Rejection;
};

/** Undefined for an event that the meter's filter leaves out. */
function useOf(
  event: EventMembers,
  meter: CompiledMeter,
  dimensions: readonly DimensionValue[] | Rejection,
): { kind: "use"; use: MeterUse } | Rejection | undefined {
  const passes = meter.filter.length === 0 || passesFilter(event, meter.filter);
  if (passes === false) return undefined;
  if (passes !== true) return wrongCondition(passes, meter);
  const value = meter.value === undefined ? undefined : event.at(meter.value);
  let quantity = 0n;
  let text = "";
  if (meter.aggregation === "count") {
    quantity = ONE;
  } else if (meter.aggregation === "unique_count") {
    const read = uniqueTextOf(value, meter);
    if (typeof read !== "string") return read;
    text = read;
  } else {
    const read = meter.evaluate === undefined ? quantityOf(value, meter) : computed(meter.evaluate(event), meter);
    if (typeof read !== "bigint") return read;
    quantity = read;
  }
  if (!isDimensions(dimensions)) return dimensions;
  return { kind: "use", use: { meter: meter.key, aggregation: meter.aggregation, quantity, text, dimensions } };
}

function quantityOf(value: JsonValue | undefined, meter: CompiledMeter): bigint | Rejection {
  if (value === undefined || value === null) return wrongValue("value_missing", meter, "is missing");
  const text = numberTextOf(value);
  if (text === undefined) return wrongValue("value_not_a_number", meter, "is not a number or a decimal string");
  const quantity = fixedPointOf(text, QUANTITY_LIMITS);
  if (typeof quantity === "bigint") return quantity;
  return wrongValue(NUMBER_REASONS[quantity], meter, `is ${quoted(text)}`);
}

function computed(result: bigint | ExpressionFailure, meter: CompiledMeter): bigint | Rejection {
  if (typeof result === "bigint") return result;
  const { problem, pointer, text } = result;
  const where = pointer === undefined ? "its expression" : quoted(pointer);
  if (problem === "missing") return rejection("value_missing", `meter ${meter.key}: ${where} is missing`);
  if (problem === "not_scalar")
    return rejection("value_not_a_number", `meter ${meter.key}: ${where} is not a number or a decimal string`);
  const what = text === undefined ? NUMBER_PROBLEMS[problem] : `is ${quoted(text)}`;
  return rejection(NUMBER_REASONS[problem], `meter ${meter.key}: ${where} ${what}`);
}

function uniqueTextOf(value: JsonValue | undefined, meter: CompiledMeter): string | Rejection {
  if (value === undefined || value === null) return wrongValue("value_missing", meter, "is missing");
  const text = numberTextOf(value);
  if (text === undefined) return wrongValue("value_not_a_text", meter, "is not a string or a number");
  // Nothing to tell apart: a producer that doesn't know its user writes "", and that is not one more user.
  if (text === "") return wrongValue("value_missing", meter, "is empty");
  return exceedsBytes(text, UNIQUE_VALUE_BYTES_MAX) ? wrongValue("value_too_long", meter, `is ${quoted(text)}`) : text;
}

/** The text of a string or number. */
function numberTextOf(value: JsonValue): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof JsonNumber ? value.text : undefined;
}

function dimensionsOf(event: EventMembers, meter: CompiledMeter): readonly DimensionValue[] | Rejection {
  const values: DimensionValue[] = [];
  for (const dimension of meter.dimensions) {
    const value = dimensionText(event.at(dimension.pointer));
    if (value === undefined) return wrongDimension("dimension_not_scalar", dimension, "is an object or an array");
    if (exceedsBytes(value, DIMENSION_BYTES_MAX)) {
      return wrongDimension("dimension_too_long", dimension, `is ${quoted(value)}`);
    }
    values.push({ name: dimension.name, value });
  }
  return values;
}

function wrongDimension(reason: RejectionReason, { name, pointer }: CompiledDimension, what: string): Rejection {
  return rejection(reason, `dimension ${name}: ${quoted(pointerText(pointer))} ${what}`);
}

/** Strings as they are, numbers by their source text, missing and null empty; undefined for objects and arrays. */
function dimensionText(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "true" : "false";
  return numberTextOf(value);
}

function isDimensions(result: readonly DimensionValue[] | Rejection): result is readonly DimensionValue[] {
  return Array.isArray(result);
}

function wrongCondition({ condition, problem, text }: ConditionProblem, meter: CompiledMeter): Rejection {
  const what = problem === "not_scalar" ? "is an object or an array" : `is ${quoted(text)}`;
  const reason = problem === "not_scalar" ? "value_not_scalar" : NUMBER_REASONS[problem];
  return rejection(reason, `meter ${meter.key}: where ${quoted(pointerText(condition.pointer))} ${what}`);
}

function wrongValue(reason: RejectionReason, meter: CompiledMeter, what: string): Rejection {
  return rejection(reason, `meter ${meter.key}: ${quoted(pointerText(meter.value ?? []))} ${what}`);
}
