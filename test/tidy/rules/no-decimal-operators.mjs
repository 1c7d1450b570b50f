/** Bans operators on decimals: `<` compares decimal.js values as text, `===` by identity, and arithmetic goes through a float. */
import { ESLintUtils } from "@typescript-eslint/utils";

const OPERATORS = new Set(["<", "<=", ">", ">=", "==", "===", "!=", "!==", "+", "-", "*", "/", "%", "**"]);
const ASSIGNMENTS = new Set(["+=", "-=", "*=", "/=", "%=", "**="]);

/** `x === undefined` and `x === null` ask whether there is a decimal at all. */
function asksForPresence(node) {
  return (node.type === "Identifier" && node.name === "undefined") || (node.type === "Literal" && node.value === null);
}

export const noDecimalOperators = {
  meta: {
    type: "problem",
    schema: [],
    messages: { banned: "'{{operator}}' is wrong on a decimal: use the functions of src/kernel/decimal.ts." },
  },
  create(context) {
    const services = ESLintUtils.getParserServices(context);

    function isDecimal(node) {
      const type = services.getTypeAtLocation(node);
      const parts = type.isUnion() ? type.types : [type];
      return parts.some((part) => (part.aliasSymbol ?? part.getSymbol())?.getName() === "Decimal");
    }

    function check(node, operator, operands) {
      if (operands.some(asksForPresence) || !operands.some(isDecimal)) return;
      context.report({ node, messageId: "banned", data: { operator } });
    }

    return {
      BinaryExpression(node) {
        if (OPERATORS.has(node.operator)) check(node, node.operator, [node.left, node.right]);
      },
      AssignmentExpression(node) {
        if (ASSIGNMENTS.has(node.operator)) check(node, node.operator, [node.left, node.right]);
      },
      UnaryExpression(node) {
        if (node.operator === "-" || node.operator === "+") check(node, node.operator, [node.argument]);
      },
    };
  },
};
