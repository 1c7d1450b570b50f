/** Every setting: its variable, default, bounds and one sentence. `docs/settings.md` is this list; a test keeps the two equal. */
import { z } from "zod";

export type SettingField = {
  readonly variable: string;
  readonly doc: string;
  /** `whole` is never shown; `part` is an address whose user, password and query are hidden. */
  readonly secret?: "whole" | "part";
  readonly schema: z.ZodType<string | number | undefined, string | undefined>;
};

const GIB = 1024 ** 3;

/** A stream, a writer and its filter each. */
export const SHARDS_MAX = 64;

export const SETTING_FIELDS = {
  home: text(
    "METERLINE_HOME",
    ".meterline",
    "Directory of everything that an embedded instance keeps, and of a sink's copies of its identity filters.",
  ),
  natsUrl: optionalUrl(
    "METERLINE_NATS_URL",
    ["nats:", "tls:"],
    "NATS server to use; without it an embedded one is started.",
  ),
  natsPort: integer(
    "METERLINE_NATS_PORT",
    { fallback: 4222, min: 1, max: 65_535 },
    "Port of the embedded nats-server on loopback.",
  ),
  natsStoreBytes: integer(
    "METERLINE_NATS_STORE_BYTES",
    { fallback: 8 * GIB, min: GIB / 4, max: 2 ** 50 },
    "Disk that the embedded nats-server may use for all streams together, in bytes.",
  ),
  natsSync: {
    variable: "METERLINE_NATS_SYNC",
    doc: "When the embedded nats-server syncs to disk: always before it acknowledges a message, interval every two minutes (faster for single events, and a power cut may lose acknowledged ones).",
    schema: z.enum(["always", "interval"]).default("always"),
  },
  usageStreamBytes: optionalInteger(
    "METERLINE_USAGE_STREAM_BYTES",
    { min: 1024 ** 2, max: 2 ** 50 },
    "Size limit of one shard's usage stream in bytes; a full stream refuses new messages. Default: three quarters of the store, shared by the shards.",
  ),
  journalStreamBytes: optionalInteger(
    "METERLINE_JOURNAL_STREAM_BYTES",
    { min: 1024 ** 2, max: 2 ** 50 },
    "Size limit of the journal stream in bytes. Default: an eighth of the store.",
  ),
  clickhouseUrl: optionalUrl(
    "METERLINE_CLICKHOUSE_URL",
    ["http:", "https:"],
    "ClickHouse server (HTTP interface) to use; without it an embedded one is started.",
  ),
  clickhousePort: integer(
    "METERLINE_CLICKHOUSE_PORT",
    { fallback: 8123, min: 1, max: 65_535 },
    "Port of the embedded ClickHouse's HTTP interface on loopback.",
  ),
  clickhouseUser: text(
    "METERLINE_CLICKHOUSE_USER",
    "default",
    "User at ClickHouse; the embedded one accepts it and lets it do everything.",
  ),
  clickhousePassword: secret(
    "METERLINE_CLICKHOUSE_PASSWORD",
    "Password of that user. Not set: the embedded server makes one up at its first start and keeps it in clickhouse/passwords of the home.",
  ),
  clickhouseAdminPassword: secret(
    "METERLINE_CLICKHOUSE_ADMIN_PASSWORD",
    "Password of the embedded ClickHouse's user admin, who may do everything; not set: made up.",
  ),
  clickhouseSinkPassword: secret(
    "METERLINE_CLICKHOUSE_SINK_PASSWORD",
    "Password of the embedded ClickHouse's user sink, who writes and reads the database meterline; not set: made up.",
  ),
  clickhouseFinancePassword: secret(
    "METERLINE_CLICKHOUSE_FINANCE_PASSWORD",
    "Password of the embedded ClickHouse's user finance, who reads the database finance; not set: made up.",
  ),
  clickhouseFsync: {
    variable: "METERLINE_CLICKHOUSE_FSYNC",
    doc: "When the embedded ClickHouse syncs to disk: off leaves it to the system (a power cut may lose the last seconds), insert syncs each insert before it is acknowledged.",
    schema: z.enum(["off", "insert"]).default("off"),
  },
  clickhouseMemoryBytes: optionalInteger(
    "METERLINE_CLICKHOUSE_QUERY_MEMORY_BYTES",
    { min: 16 * 1024 ** 2, max: 2 ** 50 },
    "Memory that one query of the embedded ClickHouse may take, in bytes; the sink has no limit. Default: half of the machine's.",
  ),
  clickhouseQuerySeconds: integer(
    "METERLINE_CLICKHOUSE_QUERY_SECONDS",
    { fallback: 3600, min: 1, max: 604_800 },
    "How long one query of the embedded ClickHouse may run, in seconds; the sink has no limit.",
  ),
  clickhouseResultBytes: optionalInteger(
    "METERLINE_CLICKHOUSE_RESULT_BYTES",
    { min: 1024, max: 2 ** 50 },
    "Size of one result of the embedded ClickHouse, in bytes before formatting. Default: 64 GiB.",
  ),
  httpPort: integer(
    "METERLINE_HTTP_PORT",
    { fallback: 8080, min: 0, max: 65_535 },
    "Port of metrics and health (`/metrics`, `/health/live`, `/health/ready`) of up, sink and biller; 0: none.",
  ),
  httpHost: text(
    "METERLINE_HTTP_HOST",
    "127.0.0.1",
    "Address on which that port listens. It asks for no password: choose another one only in a network that you trust.",
  ),
  shards: integer(
    "METERLINE_SHARDS",
    { fallback: 1, min: 1, max: SHARDS_MAX },
    "Number of usage streams and writers; fixed at the first start.",
  ),
  sinkShards: {
    variable: "METERLINE_SINK_SHARDS",
    doc: "Shards that a sink writes, by their numbers with commas between them (0,2); the others are left to other sinks. Default: every shard that is free.",
    schema: z
      .string()
      .regex(/^\d{1,3}(?:,\d{1,3})*$/, "must be numbers of shards with commas between them, such as 0,2")
      .optional(),
  },
  sinkInstance: {
    variable: "METERLINE_SINK_INSTANCE",
    doc: "Name of a sink that no other running sink has, and that it has again after a restart: it takes over what its dead predecessor wrote without waiting for the lease to end. Default: it waits.",
    schema: z
      .string()
      .regex(/^[\w.-]{1,100}$/, "must be up to 100 letters, digits, dots, hyphens and underscores, such as sink-0")
      .optional(),
  },
  batchEventsMax: integer(
    "METERLINE_BATCH_EVENTS_MAX",
    { fallback: 50_000, min: 1, max: 500_000 },
    "Events per batch at most, and messages; a message is never divided.",
  ),
  batchBytesMax: integer(
    "METERLINE_BATCH_BYTES_MAX",
    { fallback: 32 * 1024 ** 2, min: 64 * 1024, max: 256 * 1024 ** 2 },
    "Bytes of messages per batch at most.",
  ),
  batchWaitMs: integer(
    "METERLINE_BATCH_WAIT_MS",
    { fallback: 400, min: 1, max: 60_000 },
    "How long a batch waits for more messages, in milliseconds.",
  ),
  filterCopyEvery: integer(
    "METERLINE_FILTER_COPY_EVERY",
    { fallback: 1_000_000, min: 0, max: 1_000_000_000 },
    "Identities of a shard, at least, after which a sink copies its filter of them to the home again, for its next start; 0: never, and each start reads all of them from ClickHouse.",
  ),
  leaseMs: integer(
    "METERLINE_LEASE_MS",
    { fallback: 10_000, min: 500, max: 600_000 },
    "How long a silent writer keeps its shard, in milliseconds; afterwards another may take over.",
  ),
  cutIntervalMinutes: integer(
    "METERLINE_CUT_INTERVAL_MINUTES",
    { fallback: 60, min: 1, max: 1440 },
    "How often the cut is raised without a rating run, in minutes.",
  ),
  eventTimePastDays: integer(
    "METERLINE_EVENT_TIME_PAST_DAYS",
    { fallback: 1827, min: 1, max: 18_000 },
    "How far before its arrival an event's time may lie, in days.",
  ),
  eventTimeFutureHours: integer(
    "METERLINE_EVENT_TIME_FUTURE_HOURS",
    { fallback: 24, min: 0, max: 8760 },
    "How far after its arrival an event's time may lie, in hours.",
  ),
  graceHours: integer(
    "METERLINE_GRACE_HOURS",
    { fallback: 24, min: 0, max: 2160 },
    "How long after a period's end its invoices can't be finalized yet, in hours: late usage still gets in.",
  ),
  drainTimeoutMs: integer(
    "METERLINE_DRAIN_TIMEOUT_MS",
    { fallback: 30_000, min: 100, max: 600_000 },
    "How long a stopping process waits for the batch under way, in milliseconds.",
  ),
  logLevel: {
    variable: "METERLINE_LOG_LEVEL",
    doc: "What is logged: debug, info, warn, error or silent.",
    schema: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  },
  crashAt: {
    variable: "METERLINE_CRASH_AT",
    doc: "For crash tests: kills the process at a named point of the writer's protocol, `name` or `name:nth`.",
    schema: z.string().optional(),
  },
} as const satisfies Readonly<Record<string, SettingField>>;

type Bounds = { readonly min: number; readonly max: number };

function text(variable: string, fallback: string, doc: string) {
  return { variable, doc, schema: z.string().default(fallback) };
}

function secret(variable: string, doc: string) {
  return { ...text(variable, "", doc), secret: "whole" as const };
}

function boundedInteger({ min, max }: Bounds) {
  return z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number in digits")
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must lie between ${String(min)} and ${String(max)}`);
}

function integer(variable: string, bounds: Bounds & { readonly fallback: number }, doc: string) {
  return { variable, doc, schema: boundedInteger(bounds).prefault(String(bounds.fallback)) };
}

function optionalInteger(variable: string, bounds: Bounds, doc: string) {
  return { variable, doc, schema: boundedInteger(bounds).optional() };
}

function optionalUrl(variable: string, protocols: readonly string[], doc: string) {
  const valid = (value: string): boolean => URL.canParse(value) && protocols.includes(new URL(value).protocol);
  return {
    variable,
    doc,
    secret: "part" as const,
    schema: z
      .string()
      .refine(valid, `must be a URL that starts with ${protocols.join("// or ")}//`)
      .optional(),
  };
}
