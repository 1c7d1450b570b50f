import { join } from "node:path";
import { ESLint } from "eslint";
import { expect, test } from "vitest";
import { ROOT } from "./tracked-files.ts";

/** A real file's path, so that the type checker knows which project the text belongs to. */
const PATH = join(ROOT, "src/rating/breakdown.ts");

const nested = (depth: number): string => "if (n > 0) {".repeat(depth) + "return 1;" + "}".repeat(depth) + "return 0;";
const branches = (count: number): string =>
  Array.from({ length: count }, (_, i) => `if (n === ${i}) return ${i};`).join("\n");
const lines = (count: number): string => "n += 1;\n".repeat(count);
const body = (text: string): string => `export function f(n: number): number {\n${text}\n}\n`;

/** For each limit a function just inside it and one just outside. */
const LIMITS: readonly (readonly [rule: string, inside: string, outside: string])[] = [
  ["max-lines-per-function", body(`${lines(57)}return n;`), body(`${lines(58)}return n;`)],
  ["max-depth", body(nested(3)), body(nested(4))],
  ["complexity", body(`${branches(11)}\nreturn n;`), body(`${branches(12)}\nreturn n;`)],
  [
    "max-params",
    "export const f = (a: 1, b: 2, c: 3) => a + b + c;\n",
    "export const f = (a: 1, b: 2, c: 3, d: 4) => a + b + c + d;\n",
  ],
];

async function rulesBroken(code: string): Promise<readonly (string | null)[]> {
  const [result] = await new ESLint({ cwd: ROOT }).lintText(code, { filePath: PATH });
  return (result?.messages ?? []).map(({ ruleId }) => ruleId);
}

// Guarantee: a limit that someone raises or drops shows here.
test.each(LIMITS)(
  "%s ends where it says",
  async (rule, inside, outside) => {
    expect(await rulesBroken(inside)).not.toContain(rule);
    expect(await rulesBroken(outside)).toContain(rule);
  },
  60_000,
);
