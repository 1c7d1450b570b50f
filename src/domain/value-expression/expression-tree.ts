/** An arithmetic expression over the values of an event, as its parser gives it. */

export const EXPRESSION_FUNCTIONS = ["min", "max", "round", "floor", "ceil", "coalesce"] as const;
export type ExpressionFunction = (typeof EXPRESSION_FUNCTIONS)[number];

export type Expression =
  | { readonly kind: "number"; readonly text: string }
  /** A JSON pointer into the event. */
  | { readonly kind: "pointer"; readonly pointer: string }
  | { readonly kind: "negate"; readonly operand: Expression }
  | { readonly kind: "+" | "-" | "*"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "call"; readonly name: ExpressionFunction; readonly operands: readonly Expression[] };

/** Enough for any price list; an expression is read once per event. */
export const EXPRESSION_LENGTH_MAX = 1_000;
export const EXPRESSION_NODES_MAX = 100;
export const EXPRESSION_DEPTH_MAX = 20;

/** The pointers of an expression in the order of their reading, each once. */
export function pointersOf(expression: Expression): readonly string[] {
  return [...new Set(allPointers(expression))];
}

function allPointers(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "number":
      return [];
    case "pointer":
      return [expression.pointer];
    case "negate":
      return allPointers(expression.operand);
    case "call":
      return expression.operands.flatMap(allPointers);
    default:
      return [...allPointers(expression.left), ...allPointers(expression.right)];
  }
}
