/** Carries a format out of the server and into it, and by the bare engine: two results that have to be the same. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BareEngine } from "./bare-engine.ts";
import { download, upload } from "./http-files.ts";
import type { InputFormat } from "./input-formats.ts";
import type { OutputFormat, Settings } from "./output-formats.ts";
import { SHAPES } from "./shapes.ts";

export type FormatWorld = {
  readonly url: string;
  readonly bare: BareEngine;
  /** For files; those of one format are removed behind it. */
  readonly directory: string;
  readonly rows: number;
};

export type Carried = {
  readonly bytes: number;
  readonly sha256: string;
  readonly seconds: number;
  /** The failure's text; empty when there was none. */
  readonly error: string;
};

/** The same query by the server and by the bare engine. */
export async function carryOut(
  world: FormatWorld,
  format: OutputFormat,
): Promise<{ readonly server: Carried; readonly bare: Carried }> {
  const { name, settings, shape, compared } = format;
  const select = SHAPES[shape].select(world.rows);
  const [own, answered] = ["bare", "http"].map((by) => join(world.directory, `${name}.${by}`)) as [string, string];
  const digest = DIGESTS[compared];
  const bare = await timed(own, digest, async () => {
    const sql = `${select} INTO OUTFILE '${own}' FORMAT ${name}${settingsClause(settings)}`;
    return world.bare.run(sql).then(() => "", String);
  });
  const server = await timed(answered, digest, async () => {
    const sql = `${select} FORMAT ${name}`;
    return (await download({ url: world.url, sql, settings, path: answered })).error;
  });
  return { server, bare };
}

export type Inserted = {
  readonly error: string;
  readonly seconds: number;
  /** How many rows there are, and the sum of their hashes. */
  readonly content: string;
  /** The parts that the insert made, and the content after the same insert once more. */
  readonly parts: string;
  readonly repeated: string;
};

export type CarriedIn = {
  readonly bytes: number;
  /** The content as the shape has it, or null. */
  readonly source: string | null;
  readonly bare: string;
  /** `INSERT INTO t FORMAT X`. */
  readonly direct: Inserted;
  /** `INSERT INTO t SELECT … FROM input('…') FORMAT X`. */
  readonly throughInput: Inserted;
};

/** As the writer inserts: one block whatever the size, so that a repetition is recognised as a whole. */
const ONE_BLOCK: Settings = {
  async_insert: "0",
  min_insert_block_size_rows: "1048449",
  min_insert_block_size_bytes: "0",
  max_insert_block_size: "1048449",
  max_block_size: "1048449",
  input_format_parallel_parsing: "0",
  max_insert_threads: "1",
  max_threads: "1",
};
const CONTENT = "count(), sum(cityHash64(toString(tuple(*))))";

export async function carryIn(world: FormatWorld, format: InputFormat): Promise<CarriedIn> {
  const path = join(world.directory, `${format.name}.in`);
  await writeBody(world, format, path);
  const { size } = await stat(path);
  const source =
    format.source === null ? null : await contentOf(world.bare, `(${SHAPES[format.source].select(world.rows)})`);
  const insert = (sql: string): Promise<Inserted> => insertTwice(world, { format, sql, path });
  const direct = await insert(`INSERT INTO carried FORMAT ${format.name}`);
  const structure = format.structure.replaceAll("'", "\\'");
  const throughInput = await insert(`INSERT INTO carried SELECT * FROM input('${structure}') FORMAT ${format.name}`);
  const bare = await insertBare(world, format, path);
  await rm(path);
  return { bytes: size, source, bare, direct, throughInput };
}

async function writeBody({ bare, rows }: FormatWorld, format: InputFormat, path: string): Promise<void> {
  const body = format.body(rows);
  if ("bytes" in body) return pipeline(Readable.from(body.bytes), createWriteStream(path));
  for (const [at, part] of body.parts.entries()) {
    const how = at === 0 ? "" : " APPEND";
    await bare.run(`${part.select} INTO OUTFILE '${path}'${how} FORMAT ${part.format}${settingsClause(part.settings)}`);
  }
}

async function insertBare({ bare }: FormatWorld, format: InputFormat, path: string): Promise<string> {
  const { name, structure, settings } = format;
  await bare.run("DROP TABLE IF EXISTS carried");
  await bare.run(`CREATE TABLE carried (${structure}) ENGINE = MergeTree ORDER BY tuple()`);
  await bare.run(
    `INSERT INTO carried FROM INFILE '${path}'${settingsClause({ ...ONE_BLOCK, ...settings })} FORMAT ${name}`,
  );
  return contentOf(bare, "carried");
}

type Insert = { readonly format: InputFormat; readonly sql: string; readonly path: string };

async function insertTwice({ url }: FormatWorld, { format, sql, path }: Insert): Promise<Inserted> {
  const ask = async (statement: string): Promise<string> => {
    const response = await fetch(url, { method: "POST", body: statement });
    return (await response.text()).trimEnd();
  };
  await ask("DROP TABLE IF EXISTS carried");
  await ask(
    `CREATE TABLE carried (${format.structure}) ENGINE = MergeTree ORDER BY tuple() SETTINGS non_replicated_deduplication_window = 100`,
  );
  const settings = { ...ONE_BLOCK, ...format.settings, insert_deduplication_token: "one insert" };
  const content = (): Promise<string> => ask(`SELECT ${CONTENT} FROM carried FORMAT TSVRaw`);
  const begin = performance.now();
  const first = await upload({ url, sql, settings, path });
  const seconds = (performance.now() - begin) / 1000;
  const once = await content();
  const again = await upload({ url, sql, settings, path });
  return {
    error: first.error + again.error,
    seconds,
    content: once,
    repeated: await content(),
    parts: await ask(
      "SELECT arrayStringConcat(groupArray(name), ' ') FROM system.parts WHERE table = 'carried' AND active FORMAT TSVRaw",
    ),
  };
}

async function contentOf(engine: BareEngine, from: string): Promise<string> {
  return (await engine.run(`SELECT ${CONTENT} FROM ${from}`)).trimEnd();
}

function settingsClause(settings: Settings): string {
  const assignments = Object.entries(settings).map(([name, value]) => `${name} = '${quoted(value)}'`);
  return assignments.length === 0 ? "" : ` SETTINGS ${assignments.join(", ")}`;
}

function quoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}

type Digest = (path: string) => Promise<Pick<Carried, "bytes" | "sha256">>;

async function timed(path: string, digest: Digest, write: () => Promise<string>): Promise<Carried> {
  const begin = performance.now();
  const error = await write();
  const seconds = (performance.now() - begin) / 1000;
  const written = error === "" ? await digest(path) : { bytes: 0, sha256: "" };
  await rm(path, { force: true });
  return { ...written, seconds, error };
}

async function digestOf(path: string): Promise<Pick<Carried, "bytes" | "sha256">> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

async function digestWithoutProgress(path: string): Promise<Pick<Carried, "bytes" | "sha256">> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line.startsWith('{"progress":')) continue;
    hash.update(`${line}\n`);
    bytes += Buffer.byteLength(line) + 1;
  }
  return { bytes, sha256: hash.digest("hex") };
}

const AVRO_MARK_BYTES = 16;

/** The mark is what the file ends with, and stands behind each block and behind the head. */
async function digestWithoutMarks(path: string): Promise<Pick<Carried, "bytes" | "sha256">> {
  const file = await readFile(path);
  const mark = file.subarray(-AVRO_MARK_BYTES);
  const hash = createHash("sha256");
  let begin = 0;
  for (let at = file.indexOf(mark); at >= 0; at = file.indexOf(mark, begin)) {
    // With the place of each mark: that it stands there is compared too.
    hash.update(file.subarray(begin, at)).update(`mark at ${at}`);
    begin = at + AVRO_MARK_BYTES;
  }
  return { bytes: file.length, sha256: hash.update(file.subarray(begin)).digest("hex") };
}

const DIGESTS: Readonly<Record<OutputFormat["compared"], Digest>> = {
  bytes: digestOf,
  "lines without progress": digestWithoutProgress,
  "bytes without marks": digestWithoutMarks,
};
