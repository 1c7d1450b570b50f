/**
 * Fills the matrix of docs/clickhouse-clients.md: starts an embedded ClickHouse of its own, runs every client that is installed against it, and writes the
 * tables between the markers of the page. Ends with 1 when a cell failed. Nothing is installed by it: see the README for where it looks.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { freePort } from "../support/free-port.ts";
import { CLIENT_CELLS, READER_CELLS, type CellResult } from "./cells.ts";
import { failuresOf, limitsOf, matrixOf, versionsOf } from "./matrix.ts";
import { CLIENT_PROGRAMS, READER_PROGRAMS, runProgram, type Program, type RunningServer } from "./programs.ts";

const PAGE = join(import.meta.dirname, "../../docs/clickhouse-clients.md");
const USER = "clients";
/** With the characters that a URL, a header or a form could spoil. */
const PASSWORD = "k%+&: x";

const home = await mkdtemp(join(tmpdir(), "meterline-clients-"));
const started = await startClickHouseServer({
  home,
  host: "127.0.0.1",
  port: await freePort(),
  user: USER,
  password: PASSWORD,
});
try {
  const server = { url: started.url, user: USER, password: PASSWORD };
  const clients = await runAll(CLIENT_PROGRAMS, server);
  const readers = await runAll(READER_PROGRAMS, server);
  await writePage({ version: started.version, clients, readers });
  process.exitCode = [...clients, ...readers].some((result) => result.ok === false) ? 1 : 0;
} finally {
  await started.stop();
  await rm(home, { recursive: true });
}

async function runAll(programs: readonly Program[], server: RunningServer): Promise<readonly CellResult[]> {
  const all: CellResult[] = [];
  // One after the other: a cell that waits for a query to end must not wait for somebody else's.
  for (const program of programs) {
    for (const result of await runProgram(program, server)) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      all.push(result);
    }
  }
  return all;
}

type Filled = {
  readonly version: string;
  readonly clients: readonly CellResult[];
  readonly readers: readonly CellResult[];
};

async function writePage({ version, clients, readers }: Filled): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  const day = new Date().toISOString().slice(0, 10);
  const sections: Readonly<Record<string, string>> = {
    measured: `Run on ${day} against ClickHouse ${version} with ${versionsOf([...clients, ...readers])}.`,
    clients: tableOf("cell", CLIENT_CELLS, { programs: CLIENT_PROGRAMS, results: clients }),
    readers: tableOf("format", READER_CELLS, { programs: READER_PROGRAMS, results: readers }),
    limits: limitsOf({ cells: [...CLIENT_CELLS, ...READER_CELLS], results: [...clients, ...readers] }),
    failures: failuresOf([...clients, ...readers]),
  };
  await writeFile(PAGE, Object.entries(sections).reduce(replaceSection, page));
}

type Column = { readonly programs: readonly Program[]; readonly results: readonly CellResult[] };

function tableOf(heading: string, cells: typeof CLIENT_CELLS, { programs, results }: Column): string {
  return matrixOf({ heading, cells, clients: programs.flatMap((program) => program.clients), results });
}

function replaceSection(page: string, [name, text]: readonly [string, string]): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for ${name}`);
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`;
}
