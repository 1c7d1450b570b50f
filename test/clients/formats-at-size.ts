/**
 * Every format with a million rows, out of the server and into it, beside the engine by itself: `node test/clients/formats-at-size.ts [rows] [name …]`. A line of
 * JSON for each as it comes. When all were tried, the result goes into docs/embedded-clickhouse.md. Ends with 1 when one differs.
 */
import { join } from "node:path";
import { replaceSection } from "./replace-section.ts";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { startBareEngine } from "../support/formats/bare-engine.ts";
import { carryIn, carryOut, type FormatWorld } from "../support/formats/carry.ts";
import { INPUT_FORMATS } from "../support/formats/input-formats.ts";
import { OUTPUT_FORMATS } from "../support/formats/output-formats.ts";
import { freePort } from "../support/free-port.ts";
import { tempDir } from "../support/temp-dir.ts";

const ONE_PART = "all_1_1_0";
const [rows = "1000000", ...names] = process.argv.slice(2);

type Line = {
  readonly format: string;
  readonly direction: "out" | "in";
  readonly mib: number;
  readonly seconds: number;
  readonly problem: string;
};

const home = await tempDir("formats-beside-engine");
const server = await startClickHouseServer({
  home: home.path,
  host: "127.0.0.1",
  port: await freePort(),
  password: "",
});
const bare = startBareEngine(join(home.path, "bare"));
try {
  const lines = await carryAll({ url: server.url, bare, directory: home.path, rows: Number(rows) });
  const summary = summaryOf(lines);
  process.stdout.write(`${summary}\n`);
  if (names.length === 0) await replaceSection("at size", summary);
  process.exitCode = lines.every(({ problem }) => problem === "") ? 0 : 1;
} finally {
  await bare.stop();
  await server.stop();
  await home.remove();
}

async function carryAll(world: FormatWorld): Promise<readonly Line[]> {
  const isWanted = ({ name, refused }: { readonly name: string; readonly refused: unknown }): boolean =>
    refused === null && (names.length === 0 || names.includes(name));
  const lines: Line[] = [];
  const tell = (line: Line): void => {
    process.stdout.write(`${JSON.stringify(line)}\n`);
    lines.push(line);
  };
  for (const format of OUTPUT_FORMATS.filter(isWanted)) tell(await outLine(world, format));
  for (const format of INPUT_FORMATS.filter(isWanted)) tell(await inLine(world, format));
  return lines;
}

async function outLine(world: FormatWorld, format: (typeof OUTPUT_FORMATS)[number]): Promise<Line> {
  const { server: got, bare: own } = await carryOut(world, format);
  const isSame = got.sha256 === own.sha256 && got.error === "" && own.error === "";
  const problem = isSame ? "" : `${got.bytes} bytes, the engine ${own.bytes}. ${got.error} ${own.error}`;
  return { format: format.name, direction: "out", ...measured(got.bytes, got.seconds), problem };
}

async function inLine(world: FormatWorld, format: (typeof INPUT_FORMATS)[number]): Promise<Line> {
  const { bytes, source, bare: own, direct, throughInput } = await carryIn(world, format);
  const problems = [direct, throughInput].flatMap(({ error, content, repeated, parts }) => [
    error,
    content === own ? "" : `${content} instead of ${own}`,
    repeated === content ? "" : `${repeated} after the same token again`,
    parts === ONE_PART ? "" : `parts ${parts}`,
  ]);
  if (source !== null && source !== own) problems.push(`the engine by itself ${own} instead of ${source}`);
  return {
    format: format.name,
    direction: "in",
    ...measured(bytes, direct.seconds),
    problem: problems.filter(Boolean).join("; "),
  };
}

function measured(bytes: number, seconds: number): Pick<Line, "mib" | "seconds"> {
  return { mib: Number((bytes / 1024 ** 2).toFixed(1)), seconds: Number(seconds.toFixed(2)) };
}

function summaryOf(lines: readonly Line[]): string {
  const day = new Date().toISOString().slice(0, 10);
  const wrong = lines.filter(({ problem }) => problem !== "");
  const differing = wrong.map(
    ({ format, direction, problem }) => `- ${format} ${direction}: ${problem.replace(/\s+/g, " ")}`,
  );
  return [
    `Run on ${day} with ${Number(rows).toLocaleString("en")} rows, sizes in MiB.`,
    `Out, the same as the engine's own: ${listOf(lines, "out")}.`,
    `In, all rows in one part, by both statements, and none more when repeated: ${listOf(lines, "in")}.`,
    wrong.length === 0 ? "None differed." : `Different:\n\n${differing.join("\n")}`,
  ].join("\n\n");
}

function listOf(lines: readonly Line[], direction: Line["direction"]): string {
  const same = lines.filter((line) => line.direction === direction && line.problem === "");
  const total = Math.round(same.reduce((sum, { mib }) => sum + mib, 0));
  return `${same.length} formats, ${total} MiB: ${same.map(({ format, mib }) => `${format} ${mib}`).join(", ")}`;
}
