/**
 * Peaks of resident memory for answers and bodies of 100 MB and 1 GB, of the server and of the engine by itself, each in a process of its own:
 * `node test/clients/format-memory.ts [format …]`. Writes the table of docs/embedded-clickhouse.md when all formats were measured.
 */
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { startBareEngine } from "../support/formats/bare-engine.ts";
import { download, upload } from "../support/formats/http-files.ts";
import { SHAPES } from "../support/formats/shapes.ts";
import { freePort } from "../support/free-port.ts";
import { tempDir, type TempDir } from "../support/temp-dir.ts";
import { replaceSection } from "./replace-section.ts";

const MIB = 1024 ** 2;
const SIZES = [100e6, 1e9] as const;
const FORMATS = ["RowBinary", "CSV", "JSONEachRow", "JSON", "Parquet"];
/** Enough to tell how long a row is, and to have the code of the engine in memory before it is measured. */
const FEW_ROWS = 20_000;
const TABLE = `CREATE TABLE t (${SHAPES.usage.structure}) ENGINE = MergeTree ORDER BY tuple()`;
const wanted = process.argv.slice(2);

/** A server or the engine by itself, with what is measured. */
type Runner = {
  readonly pid: number;
  readonly out: (format: string, rows: number) => Promise<void>;
  readonly into: (format: string, path: string) => Promise<void>;
  readonly stop: () => Promise<void>;
};
type Start = (home: TempDir) => Promise<Runner>;
type Row = { readonly format: string; readonly direction: "out" | "in"; readonly mib: readonly number[] };

const rows: Row[] = [];
for (const format of wanted.length === 0 ? FORMATS : wanted)
  for (const direction of ["out", "in"] as const) {
    const row = await measure(format, direction);
    process.stdout.write(`${JSON.stringify(row)}\n`);
    rows.push(row);
  }
if (wanted.length === 0) await replaceSection("memory", tableOf());

/** In the order of the table's columns. */
async function measure(format: string, direction: Row["direction"]): Promise<Row> {
  const mib: number[] = [];
  for (const size of SIZES)
    for (const start of [startServer, startBare]) mib.push(await peakOf({ format, direction, size, start }));
  return { format, direction, mib };
}

type Measurement = {
  readonly format: string;
  readonly direction: Row["direction"];
  readonly size: number;
  readonly start: Start;
};

/** MiB above what the process holds after the same with few rows. */
async function peakOf({ format, direction, size, start }: Measurement): Promise<number> {
  const home = await tempDir("format-memory");
  const path = join(home.path, "body");
  const rowsOfSize = await prepareBody({ home, format, size, path });
  const runner = await start(home);
  try {
    await (direction === "out" ? runner.out(format, FEW_ROWS) : runner.into(format, `${path}.few`));
    const before = await residentOf(runner.pid, "VmRSS");
    await writeFile(`/proc/${runner.pid}/clear_refs`, "5");
    await (direction === "out" ? runner.out(format, rowsOfSize) : runner.into(format, path));
    return Math.round(((await residentOf(runner.pid, "VmHWM")) - before) / MIB);
  } finally {
    await runner.stop();
    await home.remove();
  }
}

type Body = { readonly home: TempDir; readonly format: string; readonly size: number; readonly path: string };

/** Has the engine write a body of that size, and one of few rows beside it; gives the rows of the large one. */
async function prepareBody({ home, format, size, path }: Body): Promise<number> {
  const engine = startBareEngine(join(home.path, "writer"));
  const write = (count: number, file: string): Promise<string> =>
    engine.run(`${SHAPES.usage.select(count)} INTO OUTFILE '${file}' FORMAT ${format}`);
  await write(FEW_ROWS, `${path}.few`);
  const count = Math.ceil((size / (await stat(`${path}.few`)).size) * FEW_ROWS);
  await write(count, path);
  await engine.stop();
  return count;
}

async function residentOf(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}

async function startServer(home: TempDir): Promise<Runner> {
  const server = await startClickHouseServer({
    home: home.path,
    host: "127.0.0.1",
    port: await freePort(),
    password: "",
  });
  const { url, pid, stop } = server;
  await fetch(url, { method: "POST", body: TABLE });
  return {
    pid,
    stop,
    out: async (format, count) => {
      const path = join(home.path, "answer");
      const sql = `${SHAPES.usage.select(count)} FORMAT ${format}`;
      mustBeEmpty((await download({ url, sql, settings: {}, path })).error);
    },
    into: async (format, path) => {
      mustBeEmpty((await upload({ url, sql: `INSERT INTO t FORMAT ${format}`, settings: {}, path })).error);
    },
  };
}

async function startBare(home: TempDir): Promise<Runner> {
  const engine = startBareEngine(join(home.path, "bare"));
  await engine.run(TABLE);
  return {
    pid: engine.pid,
    stop: engine.stop,
    out: async (format, count) => {
      const path = join(home.path, "answer");
      await rm(path, { force: true });
      await engine.run(`${SHAPES.usage.select(count)} INTO OUTFILE '${path}' FORMAT ${format}`);
    },
    into: async (format, path) => {
      await engine.run(`INSERT INTO t FROM INFILE '${path}' FORMAT ${format}`);
    },
  };
}

function mustBeEmpty(error: string): void {
  if (error !== "") throw new Error(error);
}

function tableOf(): string {
  return [
    "| format | direction | 100 MB: server | engine alone | 1 GB: server | engine alone |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
    ...rows.map(({ format, direction, mib }) => `| ${[format, direction, ...mib.map(String)].join(" | ")} |`),
  ].join("\n");
}
