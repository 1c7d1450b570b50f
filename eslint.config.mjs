import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { noDecimalOperators } from "./test/tidy/rules/no-decimal-operators.mjs";

const PURE_ROOMS = ["src/{kernel,domain,metering,rating,invoicing,reconcile,chart}/**/*.ts"];

export default defineConfig(
  { ignores: ["node_modules/**", "dist/**", ".meterline/**", ".tools/**", "**/*.mjs", "**/*.cjs", "vitest.config.ts"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { local: { rules: { "no-decimal-operators": noDecimalOperators } } },
    rules: {
      "local/no-decimal-operators": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/require-array-sort-compare": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      // A number reads the same in every locale; anything else in a template is probably a mistake.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `return fail(…)` gives back undefined on purpose.
      "@typescript-eslint/no-confusing-void-expression": "off",
      // Narrowing does not see what a callback or an await changes: nearly every finding here was a condition that is needed.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
      "max-lines-per-function": ["error", { max: 60, skipComments: true, skipBlankLines: true }],
      "max-depth": ["error", 3],
      "max-params": ["error", 3],
      // A switch counts once: a closed union has as many cases as it has members.
      complexity: ["error", { max: 12, variant: "modified" }],
    },
  },
  {
    files: PURE_ROOMS,
    rules: {
      "no-restricted-globals": [
        "error",
        ...["process", "setTimeout", "setInterval", "setImmediate", "fetch", "performance", "crypto", "console"],
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "MemberExpression[object.name='Date'][property.name='now']", message: "Pass the instant in." },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: "Pass the instant in." },
        { selector: "CallExpression[callee.name='Date']", message: "Pass the instant in." },
        { selector: "MemberExpression[object.name='Temporal'][property.name='Now']", message: "Pass the instant in." },
        { selector: "MemberExpression[object.name='Math'][property.name='random']", message: "Pass the id in." },
      ],
    },
  },
  // A describe block is one function, and the parameters of test.each are the columns of its table.
  { files: ["test/**/*.ts"], rules: { "max-lines-per-function": "off", "max-params": ["error", 5] } },
);
