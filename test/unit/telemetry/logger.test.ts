import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const LOGGER = join(import.meta.dirname, "../../../src/telemetry/logger.ts");

type Run = { readonly out: string; readonly lines: readonly string[] };

/** In a process of its own, because the logger writes to file descriptor 2 past everything that a test could catch. */
function logged(input: { readonly level: string; readonly pretty: boolean }, statements: string): Run {
  const code = `import { createLogger } from ${JSON.stringify(LOGGER)};
    const logger = createLogger(${JSON.stringify({ ...input, name: "sink" })});
    ${statements}`;
  const env = { ...process.env, NODE_NO_WARNINGS: "1", TZ: "Asia/Tokyo" };
  const run = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", code], { encoding: "utf8", env });
  expect(run.status, run.stderr).toBe(0);
  return { out: run.stdout, lines: run.stderr.split("\n").filter((line) => line !== "") };
}

describe("for machines", () => {
  test("each line is one JSON object with level, name, UTC time, fields and message", () => {
    const { out, lines } = logged(
      { level: "info", pretty: false },
      'logger.warn({ shard: 0, seq: "7" }, "waits\\nhere");',
    );
    expect(lines).toHaveLength(1);
    const entry = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    expect(entry).toMatchObject({ level: "warn", name: "sink", shard: 0, seq: "7", msg: "waits\nhere" });
    expect(entry["time"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    // Standard output belongs to a command's result.
    expect(out).toBe("");
  });

  test("what is below the level is not written, and silent writes nothing", () => {
    const all = 'logger.debug({}, "d"); logger.info({}, "i"); logger.warn({}, "w"); logger.error({}, "e");';
    const messages = logged({ level: "warn", pretty: false }, all).lines.map(
      (line) => (JSON.parse(line) as { msg: string }).msg,
    );
    expect(messages).toEqual(["w", "e"]);
    expect(logged({ level: "silent", pretty: false }, all).lines).toEqual([]);
  });

  // Guarantee: the reason of a process that ends at once is in the log.
  test("a line is written before a sudden end", () => {
    const { lines } = logged({ level: "info", pretty: false }, 'logger.error({}, "last"); process.reallyExit(0);');
    expect(lines.join()).toContain('"last"');
  });
});

describe("for people", () => {
  test("a line is clock, level, name, message and fields", () => {
    const { lines } = logged(
      { level: "info", pretty: true },
      'logger.info({ shard: 0, at: "x", list: [1] }, "waits for ClickHouse");',
    );
    expect(lines).toEqual([
      expect.stringMatching(
        /^\d\d:\d\d:\d\d {2}info {3}sink {2}waits for ClickHouse {2}shard=0 {2}at=x {2}list=\[1\]$/,
      ),
    ]);
  });
});
