import { describe, expect, test } from "vitest";
import { FILE_LINES_MAX, FILE_RULES } from "./rules/file-rules.ts";
import { trackedFiles } from "./tracked-files.ts";

// Assembled, so that the rules don't find these samples in this very file.
const join = (...parts: string[]): string => parts.join("");

/** For each rule at least one file that breaks it, and one near it that doesn't. */
const SAMPLES: Readonly<
  Record<string, { readonly bad: readonly [string, string][]; readonly good: readonly [string, string][] }>
> = {
  bannedName: {
    bad: [
      ["src/kernel/utils.ts", ""],
      ["src/stream/common/read.ts", ""],
      ["src/app/invoice-manager.ts", ""],
    ],
    good: [["src/kernel/decimal.ts", ""]],
  },
  tooLong: {
    bad: [
      ["src/app/everything.ts", "x;\n".repeat(FILE_LINES_MAX + 1)],
      ["test/unit/everything.test.ts", "x;\n".repeat(2 * FILE_LINES_MAX)],
    ],
    good: [["src/app/enough.ts", "x;\n".repeat(FILE_LINES_MAX)]],
  },
  impure: {
    bad: [
      ["src/rating/rate.ts", "const at = Date.now();"],
      ["src/kernel/ids.ts", "const id = Math.random();"],
      ["src/domain/now.ts", "const at = new Date();"],
    ],
    good: [["src/stream/connect.ts", "const at = Date.now();"]],
  },
  leftover: {
    bad: [
      ["src/app/x.ts", join("// TO", "DO later")],
      ["docs/x.md", join("FIX", "ME")],
      ["test/unit/x.test.ts", join("test.on", "ly('x', run);")],
      ["test/unit/x.test.ts", join("describe.sk", "ip('x', run);")],
      ["src/app/x.ts", "<<<<<<< ours"],
    ],
    good: [["test/unit/x.test.ts", "test.each([])('x', run);"]],
  },
  machinePath: {
    bad: [
      ["docs/x.md", join("see /wo", "rk/here/x")],
      ["src/app/x.ts", join('"/ho', 'me/someone/x"')],
    ],
    good: [
      ["docs/x.md", "the file src/home/x and https://example.com/home/x"],
      ["bin/x", "/usr/share/keyrings"],
    ],
  },
  foreignHost: {
    bad: [["docs/x.md", join("https:/", "/registry.internal.corp/npm")]],
    good: [["docs/x.md", "http://127.0.0.1:8123 and nats://localhost:4222 and https://docs.nats.io/x"]],
  },
  lockedAddress: {
    bad: [["package-lock.json", join('"resol', 'ved": "x"')]],
    good: [["package-lock.json", '"integrity": "x"']],
  },
};

describe.each(Object.entries(FILE_RULES))("%s", (name, rule) => {
  test("finds what it is for", () => {
    const samples = SAMPLES[name];
    expect(samples).toBeDefined();
    for (const [path, text] of samples?.bad ?? [])
      expect(rule({ path, text }), `${path} ${text.slice(0, 40)}`).not.toEqual([]);
    for (const [path, text] of samples?.good ?? []) expect(rule({ path, text }), path).toEqual([]);
  });

  test("finds nothing in the repository", () => {
    const files = trackedFiles();
    expect(files.length).toBeGreaterThan(100);
    expect(files.flatMap((file) => rule(file))).toEqual([]);
  });
});
