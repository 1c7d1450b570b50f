/** One format out of the server and into it again, beside the engine's own result. */
import { createHash } from "node:crypto";
import { fork } from "node:child_process";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { request } from "node:http";
import { filled, type FormatCase } from "./format-cases.ts";
import type { EngineOutcome, EngineTask, EngineTasks } from "./engine-child.ts";

/** As the sink inserts: a body of any size is one block, so that its token holds for the whole. */
const WRITER: Readonly<Record<string, string>> = {
  min_insert_block_size_rows: "10000000",
  min_insert_block_size_bytes: "0",
  max_insert_block_size: "10000000",
  max_block_size: "10000000",
  input_format_parallel_parsing: "0",
  max_insert_threads: "1",
  async_insert: "0",
};

/** By so much the length may differ where the bytes do: digits of a time that was measured. */
const SLACK_BYTES = 1000;

export type FormatResult = {
  readonly format: string;
  /** `same`, or what is not; null where there is no such direction. */
  readonly out: string | null;
  readonly in: string | null;
  readonly again: string | null;
  readonly throughInput: string | null;
  readonly bytes: number;
};

export type FormatWorld = {
  readonly url: string;
  /** A directory for the engine's results. */
  readonly directory: string;
  readonly rows: number;
};

function fileOf({ directory }: FormatWorld, name: string): string {
  return join(directory, name);
}

/** Has the engine write all that is compared. */
export async function engineResults(world: FormatWorld, cases: readonly FormatCase[]): Promise<EngineOutcome> {
  const { rows } = world;
  const tasks = cases.flatMap((one): readonly EngineTask[] => {
    const settings = Object.entries(one.settings)
      .map(([name, value]) => `${name} = ${literal(value)}`)
      .join(", ");
    const own = { file: fileOf(world, one.format), query: filled(one.query, rows), format: one.format, settings };
    const parts = (one.input?.from ?? []).map((statement, n): EngineTask => {
      const [, query = "", format = ""] = /^([\s\S]*) FORMAT (\w+)$/.exec(filled(statement, rows)) ?? [];
      return { file: fileOf(world, `${one.format}.${n}`), query, format, settings };
    });
    return one.isOutput ? [own, ...parts] : parts;
  });
  const child = fork(join(import.meta.dirname, "engine-child.ts"), [], {
    execArgv: [],
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  const outcome = new Promise<EngineOutcome>((resolve, reject) => {
    child.once("message", (message: EngineOutcome) => resolve(message));
    child.once("exit", (code) => reject(new Error(`the engine's process ended with ${String(code)}`)));
  });
  child.send({ directory: fileOf(world, "data"), tasks } satisfies EngineTasks);
  const { errors, peakBytes } = await outcome;
  const failed = errors.flatMap((error, n) => (error === null ? [] : [`${tasks[n]?.format ?? ""}: ${error}`]));
  if (failed.length > 0) throw new Error(`the engine itself fails:\n${failed.join("\n")}`);
  return { errors, peakBytes };
}

export async function tryFormat(world: FormatWorld, one: FormatCase): Promise<FormatResult> {
  const out = one.isOutput ? await tryOutput(world, one) : { verdict: null, bytes: 0 };
  const input = one.input === null ? { in: null, again: null, throughInput: null } : await tryInput(world, one);
  return { format: one.format, out: out.verdict, ...input, bytes: out.bytes };
}

async function tryOutput(
  world: FormatWorld,
  one: FormatCase,
): Promise<{ readonly verdict: string; readonly bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  const query = `${filled(one.query, world.rows)} FORMAT ${one.format}`;
  const answer = await post(world, { query: "", body: query, settings: one.settings }, (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  if (answer.status !== 200) return { verdict: answer.text, bytes };
  const own = createHash("sha256");
  let ownBytes = 0;
  for await (const chunk of createReadStream(fileOf(world, one.format)) as AsyncIterable<Buffer>) {
    own.update(chunk);
    ownBytes += chunk.length;
  }
  if (one.bytesDiffer !== undefined)
    return {
      verdict:
        Math.abs(bytes - ownBytes) < SLACK_BYTES ? "about the same length" : `${bytes} bytes, the engine ${ownBytes}`,
      bytes,
    };
  return {
    verdict: hash.digest("hex") === own.digest("hex") ? "same" : `${bytes} other bytes, the engine ${ownBytes}`,
    bytes,
  };
}

type InputVerdicts = Pick<FormatResult, "in" | "again" | "throughInput">;

async function tryInput(world: FormatWorld, one: FormatCase): Promise<InputVerdicts> {
  const expected =
    one.input?.expected === undefined ? await sumsOfQuery(world, one) : `${filled(one.input.expected, world.rows)}\n`;
  const direct = `t_${one.format}`;
  const selected = `s_${one.format}`;
  for (const table of [direct, selected]) await makeTable(world, table, one.structure);
  const plain = `INSERT INTO ${direct} FORMAT ${one.format}`;
  const first = await insertAndSum(world, one, { table: direct, query: plain });
  const second = await insertAndSum(world, one, { table: direct, query: plain });
  const third = await insertAndSum(world, one, {
    table: selected,
    query: `INSERT INTO ${selected} SELECT * FROM input(${literal(one.structure)}) FORMAT ${one.format}`,
  });
  const parts = await question(world, `SELECT count() FROM system.parts WHERE active AND table = '${direct}'`);
  for (const table of [direct, selected]) await post(world, { query: "", body: `DROP TABLE ${table} SYNC` });
  const isSame = first === expected && parts === "1\n";
  return {
    in: isSame ? "same" : `${first.trim()} in ${parts.trim()} parts instead of ${expected.trim()}`,
    again: second === first ? "no row" : second.trim(),
    throughInput: third === expected ? "same" : third.trim(),
  };
}

type Insert = { readonly table: string; readonly query: string };

/** The sums over the table behind an insert with the format's token, or the error. */
async function insertAndSum(world: FormatWorld, one: FormatCase, { table, query }: Insert): Promise<string> {
  const settings = { ...one.settings, ...WRITER, insert_deduplication_token: `token-${one.format}` };
  const answer = await post(world, { query, body: inputOf(world, one), settings });
  return answer.status === 200 ? sums(world, table, one) : answer.text;
}

function inputOf(world: FormatWorld, { format, input }: FormatCase): Buffer | readonly string[] {
  if (input?.text !== undefined) return Buffer.from(input.text);
  return input?.from?.map((_, n) => fileOf(world, `${format}.${n}`)) ?? [fileOf(world, format)];
}

async function makeTable(world: FormatWorld, table: string, structure: string): Promise<void> {
  const sql = `CREATE TABLE ${table} (${structure}) ENGINE = MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 100`;
  const made = await post(world, { query: "", body: sql });
  if (made.status !== 200) throw new Error(made.text);
}

/** How many rows, and a sum over all their values as text: types may be inferred otherwise, values not. */
function sumsExpression({ structure, input }: FormatCase): string {
  const [first = ""] = structure.split(" ");
  if (input?.expected !== undefined) return `count(), sum(${first})`;
  return "count(), sum(cityHash64(toString(tuple(*))))";
}

function sums(world: FormatWorld, table: string, one: FormatCase): Promise<string> {
  return question(world, `SELECT ${sumsExpression(one)} FROM ${table}`);
}

/** What has to be in the table: the rows as the engine reads them from its own file, by its own table function's way: the query itself. */
async function sumsOfQuery(world: FormatWorld, one: FormatCase): Promise<string> {
  const table = `e_${one.format}`;
  await makeTable(world, table, one.structure);
  const source = one.input?.from === undefined ? one.query : null;
  const sql = source === null ? expectedRows(one) : source;
  const filledIn = await post(world, { query: "", body: `INSERT INTO ${table} ${filled(sql, world.rows)}` });
  const found = filledIn.status === 200 ? await sums(world, table, one) : filledIn.text;
  await post(world, { query: "", body: `DROP TABLE ${table} SYNC` });
  return found;
}

/** Input that is made of another format's output has the rows of that output. */
function expectedRows(one: FormatCase): string {
  const [statement = ""] = one.input?.from ?? [];
  if (one.format.startsWith("JSONAs"))
    return `SELECT concat('{"id":', toString(number), ',"name":"n', toString(number), '"}') FROM numbers($ROWS)`;
  if (one.format.startsWith("RowBinary")) return one.query;
  return statement.replace(/ FORMAT \w+$/, "");
}

function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

async function question(world: FormatWorld, sql: string): Promise<string> {
  return (await post(world, { query: "", body: sql })).text;
}

type Posted = {
  readonly query: string;
  readonly body: string | Buffer | readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
};

/** Streams files as the body, and gives the answer piece by piece. */
function post(
  { url }: FormatWorld,
  { query, body, settings = {} }: Posted,
  onChunk?: (chunk: Buffer) => void,
): Promise<{ readonly status: number; readonly text: string }> {
  const parameters = new URLSearchParams({ ...(query !== "" && { query }), ...settings });
  return new Promise((resolve, reject) => {
    const message = request(`${url}/?${parameters.toString()}`, { method: "POST" }, (response) => {
      const status = response.statusCode ?? 0;
      const kept: Buffer[] = [];
      response.on("data", (chunk: Buffer) => {
        if (status === 200 && onChunk !== undefined) onChunk(chunk);
        else kept.push(chunk);
      });
      response.on("end", () => {
        resolve({ status, text: Buffer.concat(kept).toString("utf8") });
      });
      response.on("error", () => resolve({ status: 0, text: `broken off: ${Buffer.concat(kept).toString("utf8")}` }));
    });
    message.on("error", reject);
    if (typeof body === "string" || Buffer.isBuffer(body)) message.end(body);
    else void pipeline(chunksOf(body), message).catch(reject);
  });
}

async function* chunksOf(files: readonly string[]): AsyncGenerator<Buffer> {
  for (const file of files) yield* createReadStream(file) as AsyncIterable<Buffer>;
}

export async function knownFormats(
  world: FormatWorld,
): Promise<readonly { name: string; isInput: boolean; isOutput: boolean }[]> {
  const text = await question(world, "SELECT name, is_input, is_output FROM system.formats ORDER BY name");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [name = "", isInput, isOutput] = line.split("\t");
      return { name, isInput: isInput === "1", isOutput: isOutput === "1" };
    });
}

export async function peakBytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
