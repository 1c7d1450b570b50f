/** The programs that fill the matrix, and how each is started. What is not installed says so itself, or is missed here. */
import { execFile } from "node:child_process";
import { devNull } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CellResult } from "./cells.ts";

export type Program = {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Arguments with which the command tells, by its exit, whether what it needs is installed. */
  readonly probe?: readonly string[];
  /** The columns that it fills. */
  readonly clients: readonly string[];
};

export type RunningServer = { readonly url: string; readonly user: string; readonly password: string };

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const PROGRAM_MS_MAX = 600_000;

function inThisFolder(file: string): string {
  return join(import.meta.dirname, file);
}

function python(file: string, clients: readonly string[]): Program {
  return { command: "python3", arguments: [inThisFolder(file)], clients };
}

const CURL: Program = { command: "sh", arguments: [inThisFolder("curl.sh")], clients: ["curl"] };
const JAVASCRIPT: Program = {
  command: process.execPath,
  arguments: [inThisFolder("javascript.ts")],
  clients: ["@clickhouse/client"],
};
/** Built first: without its modules, or a way to get them, it is not installed. */
const GO: Program = {
  command: "go",
  arguments: ["run", "-C", inThisFolder("go"), "."],
  probe: ["build", "-C", inThisFolder("go"), "-o", devNull, "."],
  clients: ["clickhouse-go"],
};
const PYTHON_HTTP = python("python-http.py", ["Python http.client"]);
export const CLIENT_PROGRAMS: readonly Program[] = [
  CURL,
  JAVASCRIPT,
  PYTHON_HTTP,
  python("clickhouse-connect.py", ["clickhouse-connect"]),
  GO,
];
export const READER_PROGRAMS: readonly Program[] = [
  python("readers.py", ["DuckDB", "pyarrow", "Polars", "Python csv, json", "SQLite"]),
];

/** What the program says of each cell. A program that ends otherwise than it should has a line of its own that is not ok. */
export async function runProgram(program: Program, server: RunningServer): Promise<readonly CellResult[]> {
  if (!(await isInstalled(program))) return program.clients.map(notInstalled);
  const env = {
    ...process.env,
    NODE_NO_WARNINGS: "1",
    CLICKHOUSE_URL: server.url,
    CLICKHOUSE_USER: server.user,
    CLICKHOUSE_PASSWORD: server.password,
  };
  const options = { env, maxBuffer: OUTPUT_BYTES_MAX, timeout: PROGRAM_MS_MAX };
  return new Promise((resolve) => {
    execFile(program.command, program.arguments, options, (error, stdout, stderr) => {
      const said = resultsOf(stdout);
      if (error === null) resolve(said);
      else if (error.code === "ENOENT") resolve(program.clients.map(notInstalled));
      else resolve([...said, ...program.clients.map((client) => broken(client, stderr))]);
    });
  });
}

async function isInstalled({ command, probe }: Program): Promise<boolean> {
  if (probe === undefined) return true;
  return promisify(execFile)(command, probe, { timeout: PROGRAM_MS_MAX }).then(
    () => true,
    () => false,
  );
}

function resultsOf(stdout: string): readonly CellResult[] {
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as CellResult);
}

function notInstalled(client: string): CellResult {
  return { client, cell: null, ok: null, detail: "not installed" };
}

function broken(client: string, stderr: string): CellResult {
  return { client, cell: "program", ok: false, detail: `the program itself failed: ${stderr.slice(-300)}` };
}
