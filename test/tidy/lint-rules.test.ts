import { join } from "node:path";
import { ESLint } from "eslint";
import { beforeAll, expect, test } from "vitest";
import { ROOT } from "./tracked-files.ts";

/** A real file's path, so that the type checker knows which project the text belongs to. */
const PATH = join(ROOT, "src/rating/breakdown.ts");
const HEAD =
  'import { decimal, type Decimal } from "../kernel/decimal.ts";\nconst a = decimal("10"), b = decimal("9");\n';

let eslint: ESLint;
let lint: (code: string) => Promise<readonly string[]>;

beforeAll(() => {
  // One for all cases: each loads the whole program for its types.
  eslint = new ESLint({ cwd: ROOT });
  lint = async (code) => {
    const [result] = await eslint.lintText(`${HEAD}${code}\n`, { filePath: PATH });
    return (result?.messages ?? [])
      .filter(({ ruleId }) => ruleId === "local/no-decimal-operators")
      .map(({ message }) => message);
  };
}, 240_000);

test.each([
  "export const less = a < b;",
  "export const same = a === b;",
  "export const sum = Number(a) + +b;",
  "export const sum = a + String(b);",
  "export const negative = -a;",
  "export function or(c: Decimal | undefined): boolean { return c === a; }",
])(
  "%s is reported",
  async (code) => {
    expect(await lint(code)).not.toEqual([]);
  },
  240_000,
);

test.each([
  "export const less = a.lt(b);",
  "export const sum = a.plus(b);",
  "export function absent(c: Decimal | undefined): boolean { return c === undefined; }",
  "export const numbers = 1 + 2 < 4;",
])(
  "%s is fine",
  async (code) => {
    expect(await lint(code)).toEqual([]);
  },
  240_000,
);

// Guarantee: the pure rooms get time and ids as arguments; the linter watches it as well as the text search.
test.each(["Date.now()", "new Date()", "Math.random()", "setTimeout(run, 1)", "process.env", "fetch('x')"])(
  "a pure room may not use %s",
  async (use) => {
    const [result] = await eslint.lintText(`export const x = (): unknown => ${use};\n`, { filePath: PATH });
    expect(result?.messages.map(({ ruleId }) => ruleId)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^no-restricted/)]),
    );
  },
  240_000,
);

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

// Guarantee: a limit that someone raises or drops shows here.
test.each(LIMITS)(
  "%s ends where it says",
  async (rule, inside, outside) => {
    expect(await rulesBroken(inside)).not.toContain(rule);
    expect(await rulesBroken(outside)).toContain(rule);
  },
  240_000,
);

async function rulesBroken(code: string): Promise<readonly (string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath: PATH });
  return (result?.messages ?? []).map(({ ruleId }) => ruleId);
}
