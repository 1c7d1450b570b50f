/**
 * Runs the integration tests of the official JavaScript client against an embedded ClickHouse: `node test/clients/official-javascript.ts <checkout>`, where
 * `<checkout>` is a copy of github.com/ClickHouse/clickhouse-js whose dependencies are installed. Its tests want port 8123 of this machine and the user
 * `default` without a password. Ends with 1 when a test fails that is not among the known differences.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";

const PORT = 8123;
/** The file of a test, or `file > part of its name`, with what differs from a server. */
const DIFFERENCES: readonly (readonly [test: string, reason: string])[] = [
  ["read_only_user.test.ts", "users come from the settings, not from CREATE USER"],
  ["role.test.ts", "roles come with the users, not from CREATE ROLE"],
  ["query_log.test.ts", "the engine keeps no query_log"],
  [
    "clickhouse_settings.test.ts > additional_table_filters",
    "an expression in a setting is refused: no check sees into it",
  ],
  ["node_summary.test.ts > insert/exec", "the engine does not count what an INSERT … SELECT writes"],
  [
    "node_stream_json_each_row_with_progress.test.ts > progress rows",
    "progress comes between the rows, at no certain place",
  ],
  [
    "node_stream_json_each_row_with_progress.test.ts > special events",
    "progress comes between the rows, at no certain place",
  ],
  [
    "node_stream_json_each_row_with_progress.test.ts > exceptions",
    "an exception in the first MiB has a status of its own",
  ],
];

type TestReport = {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
};

const [checkout] = process.argv.slice(2);
if (checkout === undefined)
  throw new Error("usage: node test/clients/official-javascript.ts <checkout of clickhouse-js>");
const scratch = await mkdtemp(join(tmpdir(), "meterline-official-"));
const server = await startClickHouseServer({ home: scratch, host: "127.0.0.1", port: PORT, password: "" });
try {
  // One of their dependencies calls a CommonJS file a module.
  await writeFile(join(checkout, "node_modules/parquet-wasm/node/package.json"), '{"type":"commonjs"}\n');
  const report = join(scratch, "report.json");
  await runTests(checkout, report);
  judge(JSON.parse(await readFile(report, "utf8")) as TestReport);
} finally {
  await server.stop();
  await rm(scratch, { recursive: true });
}

/** Failing tests are in the report: how the runner ends says nothing more. */
function runTests(directory: string, report: string): Promise<void> {
  const script = join(directory, "node_modules/vitest/vitest.mjs");
  const config = "packages/client-node/vitest.config.ts";
  const options = { cwd: directory, env: { ...process.env, TEST_MODE: "integration" }, maxBuffer: 1024 ** 3 };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script, "run", "--config", config, "--reporter=json", `--outputFile=${report}`],
      options,
      () => {
        resolve();
      },
    );
  });
}

function judge({ testResults }: TestReport): void {
  const tests = testResults.flatMap((file) =>
    file.assertionResults.map(({ fullName, status }) => ({ file: file.name, fullName, status })),
  );
  const brokenFiles = testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  const failed = [
    ...tests.filter((test) => test.status === "failed"),
    ...brokenFiles.map((file) => ({
      file: file.name,
      fullName: `the whole of ${basename(file.name)}`,
      status: "failed",
    })),
  ];
  const differenceOf = (test: { readonly file: string; readonly fullName: string }): string | undefined =>
    DIFFERENCES.find(([place]) => isAt(place, test))?.[1];
  const unexpected = failed.filter((test) => differenceOf(test) === undefined);
  for (const test of failed) console.log(`${differenceOf(test) ?? "UNEXPECTED"}: ${test.fullName}`);
  const count = (status: string): number => tests.filter((test) => test.status === status).length;
  const skipped = tests.length - count("passed") - count("failed");
  console.log(
    `${count("passed")} passed, ${failed.length} failed (${unexpected.length} unexpected), ${skipped} skipped`,
  );
  process.exitCode = unexpected.length === 0 && tests.length > 0 ? 0 : 1;
}

function isAt(place: string, { file, fullName }: { readonly file: string; readonly fullName: string }): boolean {
  const [name = "", part = ""] = place.split(" > ");
  return file.endsWith(`/${name}`) && (fullName.includes(part) || fullName === `the whole of ${name}`);
}
