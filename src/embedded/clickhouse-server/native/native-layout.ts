/** How the values of a type lie in the format Native, read from the type's name. */
import { serverError } from "../server-error.ts";

export type NativeLayout =
  | { readonly kind: "fixed"; readonly bytes: number }
  | { readonly kind: "text" }
  | { readonly kind: "nullable"; readonly of: NativeLayout }
  | { readonly kind: "array"; readonly of: NativeLayout }
  | { readonly kind: "tuple"; readonly of: readonly NativeLayout[] }
  | { readonly kind: "dictionary"; readonly of: NativeLayout }
  | { readonly kind: "variant"; readonly of: readonly NativeLayout[] }
  /** Which types, and below JSON's typed paths which paths, stands in front of the values. */
  | { readonly kind: "dynamic" }
  | { readonly kind: "json"; readonly typed: readonly NativeLayout[] };

const FIXED_BYTES: Readonly<Record<string, number>> = {
  Bool: 1,
  Nothing: 1,
  Enum8: 1,
  Enum16: 2,
  BFloat16: 2,
  Float32: 4,
  Float64: 8,
  Date: 2,
  Date32: 4,
  DateTime: 4,
  DateTime64: 8,
  Time: 4,
  Time64: 8,
  UUID: 16,
  IPv4: 4,
  IPv6: 16,
};
const POINT: NativeLayout = tuple([fixed(8), fixed(8)]);
const SHAPES: Readonly<Record<string, NativeLayout>> = {
  String: { kind: "text" },
  Dynamic: { kind: "dynamic" },
  Point: POINT,
  Ring: array(POINT),
  LineString: array(POINT),
  Polygon: array(array(POINT)),
  MultiLineString: array(array(POINT)),
  MultiPolygon: array(array(array(POINT))),
};
const DECIMAL_BYTES = [
  { digitsMax: 9, bytes: 4 },
  { digitsMax: 18, bytes: 8 },
  { digitsMax: 38, bytes: 16 },
  { digitsMax: 76, bytes: 32 },
];
const COMPOSED: Readonly<Record<string, (parts: readonly string[]) => NativeLayout | null>> = {
  Nullable: ([of = ""]) => ({ kind: "nullable", of: nativeLayoutOf(of) }),
  Array: ([of = ""]) => array(nativeLayoutOf(of)),
  // Its dictionary has no nulls: they are the first key by convention.
  LowCardinality: ([of = ""]) => ({ kind: "dictionary", of: withoutNull(nativeLayoutOf(of)) }),
  Tuple: (parts) => (parts.length === 0 ? fixed(1) : tuple(parts.map(elementLayout))),
  Nested: (parts) => array(tuple(parts.map(elementLayout))),
  Map: (parts) => array(tuple(parts.map(nativeLayoutOf))),
  Dynamic: () => ({ kind: "dynamic" }),
  JSON: (parts) => ({ kind: "json", typed: typedPaths(parts) }),
  // Named in the order in which they are numbered.
  Variant: (parts) => ({ kind: "variant", of: parts.map(nativeLayoutOf) }),
  SimpleAggregateFunction: ([, of = ""]) => nativeLayoutOf(of),
  FixedString: ([bytes]) => (bytes === undefined ? null : fixed(Number(bytes))),
  Decimal: ([digits]) => decimal(Number(digits)),
};

/** Refuses types whose values cannot be told apart without the engine, as the states of aggregate functions, and those that are not known here. */
export function nativeLayoutOf(type: string): NativeLayout {
  const [, name = "", inside = ""] = /^(\w+)(?:\((.*)\))?$/s.exec(type.trim()) ?? [];
  const shape = inside === "" ? SHAPES[name] : undefined;
  const layout = shape ?? fixedLayout(name) ?? COMPOSED[name]?.(partsOf(inside));
  if (layout !== undefined && layout !== null) return layout;
  throw serverError({
    code: 48,
    name: "NOT_IMPLEMENTED",
    text: `A column of the type ${type} cannot be sent in the format Native with client_protocol_version`,
  });
}

function fixedLayout(name: string): NativeLayout | null {
  const bits = /^U?Int(8|16|32|64|128|256)$/.exec(name)?.[1];
  if (bits !== undefined) return fixed(Number(bits) / 8);
  if (name.startsWith("Interval")) return fixed(8);
  const bytes = FIXED_BYTES[name];
  return bytes === undefined ? null : fixed(bytes);
}

function decimal(digits: number): NativeLayout | null {
  const found = DECIMAL_BYTES.find(({ digitsMax }) => digits <= digitsMax);
  return found === undefined ? null : fixed(found.bytes);
}

function fixed(bytes: number): NativeLayout {
  return { kind: "fixed", bytes };
}

function array(of: NativeLayout): NativeLayout {
  return { kind: "array", of };
}

function tuple(of: readonly NativeLayout[]): NativeLayout {
  return { kind: "tuple", of };
}

function withoutNull(layout: NativeLayout): NativeLayout {
  return layout.kind === "nullable" ? layout.of : layout;
}

/** An element of a tuple: a type, with or without a name in front. */
function elementLayout(element: string): NativeLayout {
  const named = /^(?:`(?:[^`\\]|\\.)*`|[^\s(`]+)\s+(.+)$/s.exec(element);
  return nativeLayoutOf(named?.[1] ?? element);
}

/** `path Type`, in the order of their names, among limits and what is skipped. */
function typedPaths(parts: readonly string[]): readonly NativeLayout[] {
  const paths = parts.filter((part) => !/^(?:max_dynamic_(?:paths|types)=|SKIP )/.test(part));
  return paths.map(elementLayout);
}

/** What is between the commas that lie in no brackets and no quotes. */
function partsOf(inside: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let begin = 0;
  for (const { 0: token, index } of inside.matchAll(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[(),]/gs)) {
    if (token === "(") depth += 1;
    if (token === ")") depth -= 1;
    if (token !== "," || depth > 0) continue;
    parts.push(inside.slice(begin, index).trim());
    begin = index + 1;
  }
  const last = inside.slice(begin).trim();
  return last === "" ? parts : [...parts, last];
}
