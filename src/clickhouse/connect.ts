/**
 * The connection to ClickHouse: a thin face over the official client that classifies errors and asks for exact texts.
 * 64-bit and larger integers and decimals arrive as strings.
 */
import { Readable } from "node:stream";
import { ClickHouseLogLevel, createClient, type ClickHouseClient, type ClickHouseSettings } from "@clickhouse/client";
import { classifyClickHouseError } from "./classify-error.ts";

export type ClickHouseConfig = {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Ten minutes unless said otherwise. */
  readonly requestTimeoutMs?: number;
};

export type QueryInput = {
  readonly sql: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly settings?: ClickHouseSettings;
  /** What is being done, for error messages: "reading the last batch". */
  readonly doing: string;
  readonly signal?: AbortSignal;
};

export type InsertInput = {
  /** Everything up to and including `FORMAT X`. */
  readonly sql: string;
  readonly body: Uint8Array | string | readonly Uint8Array[];
  readonly params?: Readonly<Record<string, unknown>>;
  readonly settings?: ClickHouseSettings;
  readonly doing: string;
};

export type ClickHouse = {
  /** All rows as objects; decimals and integers of 64 bits and more are strings. */
  rows<T>(input: QueryInput): Promise<T[]>;
  /** Rows as they arrive, in chunks. */
  stream<T>(input: QueryInput): AsyncIterable<readonly T[]>;
  /** The raw bytes of a result; the SQL names its FORMAT. */
  bytes(input: QueryInput): Promise<AsyncIterable<Uint8Array>>;
  /** A statement without a result. */
  command(input: QueryInput): Promise<void>;
  /** One INSERT with its data as the body. */
  insert(input: InsertInput): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** An outage is waited for by the callers; a single answer may take this long (a big verification query). */
const REQUEST_TIMEOUT_MS = 600_000;
const EXACT: ClickHouseSettings = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
  output_format_json_quote_64bit_floats: 1,
  date_time_output_format: "simple",
};

export function connectClickHouse(config: ClickHouseConfig): ClickHouse {
  const client = createClient({
    url: config.url,
    username: config.user,
    password: config.password,
    request_timeout: config.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    max_open_connections: 16,
    compression: { request: false, response: false },
    keep_alive: { enabled: true },
    clickhouse_settings: EXACT,
    // Every failure reaches the caller, who knows what it means and says so once.
    log: { level: ClickHouseLogLevel.OFF },
  });
  return {
    rows: async <T>(input: QueryInput) =>
      guard(input.doing, async () => {
        const result = await client.query({ ...queryParams(input), format: "JSONEachRow" });
        return await result.json<T>();
      }),
    stream: <T>(input: QueryInput) => streamRows<T>(client, input),
    bytes: async (input) => {
      const { stream } = await guard(input.doing, () => client.exec(queryParams(input)));
      return streamBytes(stream, input.doing);
    },
    command: async (input) =>
      guard(input.doing, async () => {
        await client.command(queryParams(input));
      }),
    insert: async (input) => guard(input.doing, () => insertBody(client, input)),
    ping: async () =>
      guard("checking the connection", async () => {
        const result = await client.ping();
        if (!result.success) throw result.error;
      }),
    close: () => client.close(),
  };
}

function queryParams(input: QueryInput) {
  return {
    query: input.sql,
    ...(input.params && { query_params: { ...input.params } }),
    ...(input.settings && { clickhouse_settings: input.settings }),
    ...(input.signal && { abort_signal: input.signal }),
  };
}

async function* streamRows<T>(client: ClickHouseClient, input: QueryInput): AsyncGenerator<readonly T[]> {
  const result = await guard(input.doing, () => client.query({ ...queryParams(input), format: "JSONEachRow" }));
  try {
    for await (const rows of result.stream<T>()) yield rows.map((row) => row.json());
  } catch (error) {
    throw classifyClickHouseError(error, input.doing);
  } finally {
    result.close();
  }
}

async function* streamBytes(stream: AsyncIterable<Uint8Array>, doing: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw classifyClickHouseError(error, doing);
  }
}

async function insertBody(client: ClickHouseClient, input: InsertInput): Promise<void> {
  const bytes = typeof input.body === "string" ? Buffer.from(input.body) : input.body;
  const result = await client.exec({
    query: input.sql,
    values: Readable.from(bytes instanceof Uint8Array ? [bytes] : bytes, { objectMode: false }),
    ...(input.params && { query_params: { ...input.params } }),
    ...(input.settings && { clickhouse_settings: input.settings }),
  });
  for await (const _chunk of result.stream) {
    // Read to the end: the answer is complete only then.
  }
}

async function guard<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw classifyClickHouseError(error, doing);
  }
}
