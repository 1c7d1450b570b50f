/**
 * Every format with a million rows, out and in, beside the engine's own results: `node test/clients/formats-at-size.ts [rows]`. Writes the table of
 * docs/formats.md with the peak of the server's memory. Ends with 1 when one differs.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { freePort } from "../support/free-port.ts";
import { tempDir } from "../support/temp-dir.ts";
import { formatCase, NOT_TRIED } from "../support/formats/format-cases.ts";
import {
  engineResults,
  knownFormats,
  peakBytesOf,
  tryFormat,
  type FormatResult,
} from "../support/formats/try-format.ts";

const PAGE = join(import.meta.dirname, "../../docs/formats.md");
const rows = Number(process.argv[2] ?? 1_000_000);
const MIB = 1024 ** 2;

const home = await tempDir("formats");
const results = await tempDir("formats-engine");
const server = await startClickHouseServer({
  home: home.path,
  host: "127.0.0.1",
  port: await freePort(),
  password: "",
});
try {
  const world = { url: server.url, directory: results.path, rows };
  const tried = (await knownFormats(world)).filter(({ name }) => NOT_TRIED[name] === undefined).map(formatCase);
  const { peakBytes } = await engineResults(world, tried);
  const all: FormatResult[] = [];
  for (const one of tried) {
    const result = await tryFormat(world, one);
    all.push(result);
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  const peaks = `Peak of resident memory over all of them: the server ${mib(await peakBytesOf(server.pid))} MiB, the engine by itself ${mib(peakBytes)} MiB.`;
  await writePage(all, peaks);
  process.exitCode = all.every(isRight) ? 0 : 1;
} finally {
  await server.stop();
  await home.remove();
  await results.remove();
}

function mib(bytes: number): string {
  return Math.round(bytes / MIB).toString();
}

function isRight({ out, in: into, again, throughInput }: FormatResult): boolean {
  const isOut = out === null || out === "same" || out === "about the same length";
  return isOut && (into === null || (into === "same" && again === "no row" && throughInput === "same"));
}

async function writePage(all: readonly FormatResult[], peaks: string): Promise<void> {
  const cell = (text: string | null): string => (text ?? "–").replace(/\s+/g, " ").replaceAll("|", "\\|").slice(0, 160);
  const lines = all.map(
    ({ format, out, in: into, again, throughInput, bytes }) =>
      `| ${[format, cell(out), bytes === 0 ? "–" : (bytes / MIB).toFixed(1), cell(into), cell(again), cell(throughInput)].join(" | ")} |`,
  );
  const page = await readFile(PAGE, "utf8");
  const [head = ""] = page.split("<!-- measured -->");
  const day = new Date().toISOString().slice(0, 10);
  const table = [
    "| format | out | MiB | in | the same token again | by input() |",
    "| --- | --- | ---: | --- | --- | --- |",
    ...lines,
  ];
  const untried = Object.entries(NOT_TRIED).map(([format, reason]) => `- ${format}: ${reason}.`);
  await writeFile(
    PAGE,
    `${head}<!-- measured -->\n\nRun on ${day} with ${rows} rows. ${peaks}\n\n${table.join("\n")}\n\nNot tried:\n\n${untried.join("\n")}\n`,
  );
}
