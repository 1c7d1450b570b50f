import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "./tracked-files.ts";

/** One planted fault per rule: the file, what it imports, and the rule that has to report it. */
const FAULTS: readonly (readonly [rule: string, file: string, imports: string])[] = [
  ["kernel-sees-only-floors-below", "src/kernel/a.ts", "../domain/base.ts"],
  ["domain-sees-only-floors-below", "src/domain/a.ts", "../metering/base.ts"],
  ["metering-sees-only-floors-below", "src/metering/a.ts", "../rating/base.ts"],
  ["rating-sees-only-floors-below", "src/rating/a.ts", "../invoicing/base.ts"],
  ["invoicing-sees-only-floors-below", "src/invoicing/a.ts", "../rating/base.ts"],
  ["reconcile-sees-only-floors-below", "src/reconcile/a.ts", "../app/base.ts"],
  ["app-sees-only-floors-below", "src/app/a.ts", "../clickhouse/base.ts"],
  ["app-sees-only-floors-below", "src/app/b.ts", "../stream/base.ts"],
  ["files-sees-only-floors-below", "src/files/a.ts", "../app/base.ts"],
  ["telemetry-sees-only-floors-below", "src/telemetry/a.ts", "../config/base.ts"],
  ["config-sees-only-floors-below", "src/config/a.ts", "../telemetry/base.ts"],
  ["stream-sees-only-floors-below", "src/stream/a.ts", "../clickhouse/base.ts"],
  ["clickhouse-sees-only-floors-below", "src/clickhouse/a.ts", "../stream/base.ts"],
  ["embedded-sees-only-floors-below", "src/embedded/a.ts", "../app/base.ts"],
  ["src-stays-inside", "src/app/c.ts", "../../cmd/base.ts"],
  ["cmd-needs-no-tests", "cmd/a.ts", "../test/base.ts"],
  ["unknown-room", "src/utilities/a.ts", "../kernel/base.ts"],
  ["no-unresolvable", "src/app/d.ts", "./nowhere.ts"],
  ["pure-rooms-use-no-node-modules", "src/rating/b.ts", "node:fs"],
  ["kernel-uses-only-crypto-and-buffer", "src/kernel/b.ts", "node:net"],
  ["decimal-only-through-its-file", "src/kernel/money.ts", "decimal.js"],
  ["only-owners-import-decimal-js", "src/rating/c.ts", "decimal.js"],
  ["only-owners-import-temporal-polyfill", "src/domain/b.ts", "temporal-polyfill"],
  ["only-owners-import-zod", "src/rating/d.ts", "zod"],
  ["only-owners-import-nats-io", "src/clickhouse/b.ts", "@nats-io/transport-node"],
  ["only-owners-import-clickhouse-client", "src/stream/b.ts", "@clickhouse/client"],
  ["only-owners-import-chdb", "src/clickhouse/c.ts", "chdb"],
  ["only-owners-import-pino", "src/stream/c.ts", "pino"],
  ["only-owners-import-yaml", "src/config/b.ts", "yaml"],
  ["only-owners-import-csv-parse", "cmd/b.ts", "csv-parse"],
  ["only-owners-import-commander", "src/app/e.ts", "commander"],
  ["only-owners-import-cli-progress", "src/app/f.ts", "cli-progress"],
  ["unowned-package", "src/app/g.ts", "fast-check"],
];

type Violation = { readonly from: string; readonly rule: { readonly name: string } };

const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;

let house: string;
let violations: readonly Violation[];

beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), "meterline-arrows-"));
  for (const file of ["tsconfig.json", "package.json", ".dependency-cruiser.cjs"])
    cpSync(join(ROOT, file), join(house, file));
  symlinkSync(join(ROOT, "node_modules"), join(house, "node_modules"));
  for (const [, file, imports] of FAULTS) {
    write(file, `import "${imports}";\n`);
    if (imports.startsWith("../")) write(join(dirname(file), imports), "export const base = 1;\n");
  }
  write("src/app/loop-a.ts", 'import { b } from "./loop-b.ts";\nexport const a = b;\n');
  write("src/app/loop-b.ts", 'import { a } from "./loop-a.ts";\nexport const b = a;\n');
  write("src/app/alone.ts", "export const alone = 1;\n");
  write("src/kernel/decimal.ts", 'import "decimal.js";\n');
  write("src/app/allowed.ts", 'import "../rating/base.ts";\n');
  violations = cruise();
}, 60_000);

afterAll(() => rmSync(house, { recursive: true, force: true }));

function write(path: string, text: string): void {
  const full = join(house, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
}

function cruise(): readonly Violation[] {
  const program = join(ROOT, "node_modules/.bin/depcruise");
  const args = [program, "--config", ".dependency-cruiser.cjs", "--output-type", "json", "src", "cmd"];
  const { stdout } = spawnSync(process.execPath, args, { cwd: house, encoding: "utf8", maxBuffer: OUTPUT_BYTES_MAX });
  return (JSON.parse(stdout) as { readonly summary: { readonly violations: readonly Violation[] } }).summary.violations;
}

function rulesBrokenBy(file: string): readonly string[] {
  return violations.filter(({ from }) => from === file).map(({ rule }) => rule.name);
}

// Guarantee: an arrow that the tool doesn't really watch can't look watched.
test.each(FAULTS)("%s is reported for %s", (rule, file) => {
  expect(rulesBrokenBy(file)).toContain(rule);
});

test("a circle and a file that nothing uses are reported", () => {
  expect([...rulesBrokenBy("src/app/loop-a.ts"), ...rulesBrokenBy("src/app/loop-b.ts")]).toContain("no-circular");
  expect(rulesBrokenBy("src/app/alone.ts")).toContain("no-orphans");
});

test("what a room may import is not reported", () => {
  expect(rulesBrokenBy("src/app/allowed.ts")).toEqual([]);
  expect(rulesBrokenBy("src/kernel/decimal.ts")).toEqual([]);
});
