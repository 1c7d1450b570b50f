/** Random expressions as texts, over a few pointers of which one has a minus sign and one needs quotes, and data for them. */
import fc from "fast-check";

const VALUES = ["0", "1", "-2.5", '"0.000000001"', "12345678901", '"-99999999999999999999.5"', "1e-3", "null"];

const leaf = fc.oneof(
  fc.constantFrom("/data/a", "/data/b-c", '"/data/d (e)"', "/data/none"),
  fc.constantFrom("0", "2", "0.5", "1000000.25", "0.000000000000000001"),
);

const { text } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.tuple(tie("text"), fc.constantFrom(" + ", " - ", " * "), tie("text")).map((parts) => parts.join("")),
    tie("text").map((inner) => `(${inner})`),
    tie("text").map((inner) => `-(${inner})`),
    fc
      .tuple(fc.constantFrom("min", "max", "coalesce"), fc.array(tie("text"), { minLength: 2, maxLength: 4 }))
      .map(([name, operands]) => `${name}(${operands.join(", ")})`),
    fc
      .tuple(fc.constantFrom("round", "floor", "ceil"), tie("text"), fc.constantFrom("", ", 0", ", 2", ",18"))
      .map(([name, operand, places]) => `${name}(${operand}${places})`),
  ),
}));

export const expressionTexts: fc.Arbitrary<string> = text;

export const expressionData: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...VALUES), fc.constantFrom(...VALUES), fc.constantFrom(...VALUES))
  .map(([a, bc, de]) => `{"data":{"a":${a},"b-c":${bc},"d (e)":${de}}}`);
