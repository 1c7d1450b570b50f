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
}, 60_000);

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
  60_000,
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
  60_000,
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
  60_000,
);
