/**
 * The configuration file of the embedded nats-server as text. JSON strings are valid in it, so every path and name is written through JSON.stringify.
 */
import { randomUUID } from "node:crypto";
import type { NatsLogin } from "./nats-login.ts";

export type NatsConfigInput = {
  readonly serverName: string;
  readonly host: string;
  readonly port: number;
  readonly storeDir: string;
  readonly storeBytes: number;
  readonly logFile: string;
  readonly pidFile: string;
  readonly shards: number;
  /** Of Meterline itself, which alone may publish replays. */
  readonly login: NatsLogin;
  /** True writes `sync_interval: always`: an acknowledged message is on the disk, not in the page cache. */
  readonly syncAlways: boolean;
};

const PRODUCER = "producer";
/** A message holds up to 10,000 events. */
const PAYLOAD_BYTES_MAX = 8 * 1024 ** 2;
const MEMORY_STORE_BYTES_MAX = 64 * 1024 ** 2;
const LOG_BYTES_MAX = 20 * 1024 ** 2;

export function natsConfig(input: NatsConfigInput): string {
  return [
    `server_name: ${JSON.stringify(input.serverName)}`,
    `listen: ${JSON.stringify(`${input.host}:${input.port}`)}`,
    `max_payload: ${PAYLOAD_BYTES_MAX}`,
    `pid_file: ${JSON.stringify(input.pidFile)}`,
    `log_file: ${JSON.stringify(input.logFile)}`,
    `logfile_size_limit: ${LOG_BYTES_MAX}`,
    "jetstream {",
    `  store_dir: ${JSON.stringify(input.storeDir)}`,
    `  max_file_store: ${input.storeBytes}`,
    `  max_memory_store: ${MEMORY_STORE_BYTES_MAX}`,
    ...(input.syncAlways ? ["  sync_interval: always"] : []),
    "}",
    ...shardMappings(input.shards),
    ...users(input.login),
    "",
  ].join("\n");
}

/**
 * Routes what is published to `usage.<producer>[.>]` to `usage_shard.<n>.usage.<producer>[.>]`, n from the producer token alone, and replays likewise: all
 * patterns must count the same token, or one producer's events would reach two writers.
 */
function shardMappings(shards: number): readonly string[] {
  if (shards <= 1) return [];
  const target = (root: string): string => `usage_shard.{{partition(${shards},1)}}.${root}.{{wildcard(1)}}`;
  return [
    "mappings {",
    `  "usage.*": ${JSON.stringify(target("usage"))}`,
    `  "usage.*.>": ${JSON.stringify(`${target("usage")}.>`)}`,
    `  "quarantine.*.>": ${JSON.stringify(`${target("quarantine")}.>`)}`,
    "}",
  ];
}

/**
 * Whoever connects without a name is a producer, and may do everything but bring rejected events in again, on the subject that a client
 * names as on the one that it is mapped to: releases differ in which of them they look at (2.15 at the latter).
 */
function users(login: NatsLogin): readonly string[] {
  return [
    "authorization {",
    "  users: [",
    `    { user: ${JSON.stringify(login.user)}, password: ${JSON.stringify(login.password)} }`,
    // Needs a password to be in the list; nobody has to know it.
    `    { user: ${JSON.stringify(PRODUCER)}, password: ${JSON.stringify(randomUUID())}, permissions: { publish: { deny: ["quarantine.>", "usage_shard.*.quarantine.>"] } } }`,
    "  ]",
    "}",
    `no_auth_user: ${JSON.stringify(PRODUCER)}`,
  ];
}
