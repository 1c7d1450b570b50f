/** Which dimensions the usage of a price has. A dimension that an event lacks has the empty text. */

/** A text is the only one that fits; of several one has to be it, or none may. */
export type DimensionCondition = string | { readonly in: readonly string[] } | { readonly not: readonly string[] };
export type PriceWhere = Readonly<Record<string, DimensionCondition>>;

export function fits(where: PriceWhere, dimensions: Readonly<Record<string, string>>): boolean {
  return Object.entries(where).every(([name, condition]) => fitsOne(condition, dimensions[name] ?? ""));
}

/** True if there can be usage that fits both: each dimension can have a value of its own, so the conditions on each decide. */
export function canBothFit(a: PriceWhere, b: PriceWhere): boolean {
  return Object.entries(a).every(([name, condition]) => {
    const other = Object.hasOwn(b, name) ? b[name] : undefined;
    return other === undefined || meet(condition, other);
  });
}

/** `model small-1`, `model small-1 or large-1`, `region not eu`. */
export function whereTexts(where: PriceWhere): readonly string[] {
  return Object.entries(where).map(([name, condition]) => {
    if (typeof condition === "string") return `${name} ${condition}`;
    return "in" in condition ? `${name} ${condition.in.join(" or ")}` : `${name} not ${condition.not.join(" or ")}`;
  });
}

function fitsOne(condition: DimensionCondition, value: string): boolean {
  if (typeof condition === "string") return condition === value;
  return "in" in condition ? condition.in.includes(value) : !condition.not.includes(value);
}

/** Two conditions that rule out finitely many values always leave one. */
function meet(a: DimensionCondition, b: DimensionCondition): boolean {
  const named = namedValues(a) ?? namedValues(b);
  return named === undefined || named.some((value) => fitsOne(a, value) && fitsOne(b, value));
}

function namedValues(condition: DimensionCondition): readonly string[] | undefined {
  if (typeof condition === "string") return [condition];
  return "in" in condition ? condition.in : undefined;
}
