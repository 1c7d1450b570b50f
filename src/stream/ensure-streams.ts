/**
 * The streams, the bucket and the consumers that Meterline rests on, made if they are missing. What exists keeps its place (replicas, store);
 * a setting under which messages could vanish is refused, because nobody would notice before the invoice.
 */
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { Kvm, type KV } from "@nats-io/kv";
import { nanos } from "@nats-io/transport-node";
import { QUARANTINE_PREFIX } from "../domain/quarantine.ts";
import { AppError } from "../kernel/errors.ts";
import { classifyNatsError } from "./classify-error.ts";
import type { Nats } from "./connect.ts";
import { BUCKET, readRegister, SHARDS_KEY, writeRegister } from "./register.ts";

export type EnsureStreamsInput = {
  /** Fixed at the first start: the shard follows from the producer, and an identity must stay with its writer. */
  readonly shards: number;
  /** Of each usage stream. A full stream refuses new messages (discard new), so producers notice. */
  readonly usageBytesMax: number;
  readonly journalBytesMax: number;
  /** Of one message with its headers. */
  readonly messageBytesMax: number;
  readonly replicas?: number;
};

export const JOURNAL_STREAM = "JOURNAL";
export const JOURNAL_SUBJECT = "journal";
export const SINK_CONSUMER = "sink";

const BUCKET_BYTES_MAX = 16 * 1024 * 1024;
const DUPLICATE_WINDOW_MS = 2 * 60_000;
/**
 * Position is the plan, not the consumer, so a redelivery is dropped and costs only its way. With AckAll a working ack prolongs one
 * message, not the batch behind it: instead the wait outlasts any batch.
 */
const ACK_WAIT_MS = 60 * 60_000;
const STREAM_NOT_FOUND = 10059;
const CONSUMER_NOT_FOUND = 10014;

export function usageStreamName(shard: number): string {
  return `USAGE_${shard}`;
}

/** What a stream binds, events and their replays; with several shards the server maps `usage.<producer>.…` and `quarantine.<producer>.…` onto these. */
function usageSubjects(shard: number, shards: number): string[] {
  const prefix = usageSubjectPrefix(shard, shards);
  return [`${prefix}usage.>`, `${prefix}${QUARANTINE_PREFIX}>`];
}

/** What the server's mapping puts before a message's own subject; empty for a single shard. */
export function usageSubjectPrefix(shard: number, shards: number): string {
  return shards === 1 ? "" : `usage_shard.${shard}.`;
}

export async function ensureStreams(nats: Nats, input: EnsureStreamsInput): Promise<void> {
  const bucket = await ensureBucket(nats, input.replicas ?? 1);
  await fixShards(bucket, input.shards);
  for (let shard = 0; shard < input.shards; shard += 1) {
    await ensureStream(nats, {
      ...durableStream(input),
      name: usageStreamName(shard),
      description: `Usage events of shard ${shard}`,
      subjects: usageSubjects(shard, input.shards),
      max_bytes: input.usageBytesMax,
      // Trimming below what is verified and backed up is a purge by sequence.
      deny_purge: false,
    });
    await ensureSinkConsumer(nats, shard);
  }
  await ensureStream(nats, {
    ...durableStream(input),
    name: JOURNAL_STREAM,
    description: "Catalog changes and invoice decisions, one hash chain",
    subjects: [JOURNAL_SUBJECT],
    max_bytes: input.journalBytesMax,
    deny_purge: true,
  });
}

/** The durable pull consumer of a shard. It only remembers what was acknowledged; the plan says where to read, so a lost one begins there. */
export async function ensureSinkConsumer(nats: Nats, shard: number, from = 1): Promise<void> {
  const stream = usageStreamName(shard);
  try {
    await nats.jsm.consumers.info(stream, SINK_CONSUMER);
  } catch (error) {
    if (!isApiError(error, CONSUMER_NOT_FOUND))
      throw classifyNatsError(error, `looking for the consumer ${SINK_CONSUMER} of ${stream}`);
    await addSinkConsumer(nats, stream, from);
  }
}

async function addSinkConsumer(nats: Nats, stream: string, from: number): Promise<void> {
  try {
    await nats.jsm.consumers.add(stream, {
      durable_name: SINK_CONSUMER,
      ack_policy: AckPolicy.All,
      ...(from > 1
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from }
        : { deliver_policy: DeliverPolicy.All }),
      ack_wait: nanos(ACK_WAIT_MS),
      // The default of 1000 would end a batch of 5000 in redeliveries; a bound on deliveries would throw usage away in an outage.
      max_ack_pending: -1,
      max_deliver: -1,
    });
  } catch (error) {
    throw classifyNatsError(error, `making the consumer ${SINK_CONSUMER} of ${stream}`);
  }
}

async function ensureBucket(nats: Nats, replicas: number): Promise<KV> {
  try {
    return await new Kvm(nats.js).create(BUCKET, {
      history: 1,
      storage: StorageType.File,
      max_bytes: BUCKET_BYTES_MAX,
      replicas,
      allow_direct: false,
    });
  } catch (error) {
    throw classifyNatsError(error, `making the bucket ${BUCKET}`);
  }
}

async function fixShards(bucket: KV, shards: number): Promise<void> {
  await writeRegister(bucket, { name: SHARDS_KEY, revision: 0, value: shards });
  const fixed = (await readRegister<number>(bucket, SHARDS_KEY))?.value;
  if (fixed === shards) return;
  throw new AppError({
    code: "SHARDS_FIXED",
    kind: "settings",
    message: `The number of shards is ${shards}, but these streams were made for ${fixed}: set METERLINE_SHARDS=${fixed}; it cannot change later`,
  });
}

function durableStream(input: EnsureStreamsInput) {
  return {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_msg_size: input.messageBytesMax,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    allow_rollup_hdrs: false,
    deny_delete: true,
    num_replicas: input.replicas ?? 1,
  } satisfies Partial<StreamConfig>;
}

type WantedStream = ReturnType<typeof durableStream> &
  Pick<StreamConfig, "name" | "subjects" | "max_bytes" | "deny_purge"> & { readonly description: string };

async function ensureStream(nats: Nats, wanted: WantedStream): Promise<void> {
  const found = await streamInfo(nats, wanted.name);
  try {
    if (found === null) {
      await nats.jsm.streams.add(wanted);
      return;
    }
    requireSafe(found, wanted);
    const { max_bytes, max_msg_size, subjects } = wanted;
    const { config } = found;
    const isCurrent = config.max_bytes === max_bytes && config.max_msg_size === max_msg_size;
    if (isCurrent && config.subjects.join() === subjects.join()) return;
    await nats.jsm.streams.update(wanted.name, { max_bytes, max_msg_size, subjects });
  } catch (error) {
    throw classifyNatsError(error, `making the stream ${wanted.name}`);
  }
}

async function streamInfo(nats: Nats, name: string): Promise<StreamInfo | null> {
  try {
    return await nats.jsm.streams.info(name);
  } catch (error) {
    if (isApiError(error, STREAM_NOT_FOUND)) return null;
    throw classifyNatsError(error, `looking for the stream ${name}`);
  }
}

function requireSafe(found: StreamInfo, wanted: WantedStream): void {
  const { config } = found;
  const problems = [
    // A stream of an earlier release binds fewer; the rest is added. One that binds something else belongs to somebody else.
    config.subjects.every((subject) => wanted.subjects.includes(subject))
      ? ""
      : `it binds ${config.subjects.join(", ")} instead of ${wanted.subjects.join(", ")}`,
    config.retention === RetentionPolicy.Limits ? "" : `its retention is ${config.retention} instead of limits`,
    config.discard === DiscardPolicy.New ? "" : "it discards old messages instead of refusing new ones",
    config.max_age === 0 ? "" : "it drops messages by age",
    config.max_msgs === -1 && config.max_msgs_per_subject === -1 ? "" : "it limits the number of messages",
    config.allow_rollup_hdrs ? "it allows roll-ups, which delete messages" : "",
    config.deny_delete ? "" : "it allows deletes",
  ].filter((problem) => problem !== "");
  if (problems.length === 0) return;
  throw new AppError({
    code: "STREAM_UNSAFE",
    kind: "settings",
    message: `The stream ${wanted.name} could lose messages: ${problems.join("; ")}. Change it as docs/architecture.md says, or remove it if it is not Meterline's`,
  });
}

function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}
