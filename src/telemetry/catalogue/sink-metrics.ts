/** From the stream to a stored batch: what the sink counts itself. Each counter says at which step of the protocol it moves, because a batch may be made twice. */
import { SECONDS_BUCKETS, SHARD, type MetricDefinition } from "./metric-definition.ts";

const EVENT_BUCKETS = [1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000] as const;
const KIB = 1024;
const BYTE_BUCKETS = [
  KIB,
  16 * KIB,
  64 * KIB,
  256 * KIB,
  KIB ** 2,
  4 * KIB ** 2,
  8 * KIB ** 2,
  16 * KIB ** 2,
  32 * KIB ** 2,
  64 * KIB ** 2,
  256 * KIB ** 2,
] as const;
const SERVICE = "nats or clickhouse";
const OPERATION =
  "insert, identities, commit, fence, last_batch at ClickHouse; plan, key (claim, renewal, release) at NATS";

export const SINK_METRICS = {
  receivedMessages: {
    name: "meterline_sink_received_messages_total",
    kind: "counter",
    unit: "{message}",
    attributes: { shard: SHARD },
    doc: "Messages that this process has taken and decided for the first time; deciding the same ones again (another cut, a plan made by a predecessor and then by itself) adds nothing.",
  },
  receivedEvents: {
    name: "meterline_sink_received_events_total",
    kind: "counter",
    unit: "{event}",
    attributes: { shard: SHARD },
    doc: "Events in those messages: what came, before it is stored.",
  },
  events: {
    name: "meterline_sink_events_total",
    kind: "counter",
    unit: "{event}",
    attributes: { shard: SHARD, verdict: "accepted, duplicate, conflict or rejected" },
    doc: "Events of batches that this process has committed, by verdict; moves once per batch, after its row in sink_batches is acknowledged, so an insert that is sent again adds nothing.",
  },
  rejectedEvents: {
    name: "meterline_sink_rejected_events_total",
    kind: "counter",
    unit: "{event}",
    attributes: { shard: SHARD, reason: "why: one of the closed list of reasons" },
    doc: "The rejected ones among them, by reason; moves together with the verdicts, so its sum is that of the verdict rejected.",
  },
  batches: {
    name: "meterline_sink_batches_total",
    kind: "counter",
    unit: "{batch}",
    attributes: { shard: SHARD },
    doc: "Batches that this process has committed.",
  },
  batchEvents: {
    name: "meterline_sink_batch_events",
    kind: "histogram",
    unit: "{event}",
    attributes: { shard: SHARD },
    doc: "Events of a committed batch.",
    buckets: EVENT_BUCKETS,
  },
  batchBytes: {
    name: "meterline_sink_batch_bytes",
    kind: "histogram",
    unit: "By",
    attributes: { shard: SHARD },
    doc: "Encoded bytes of a committed batch, as they were inserted.",
    buckets: BYTE_BUCKETS,
  },
  requestDuration: {
    name: "meterline_sink_request_duration_seconds",
    kind: "histogram",
    unit: "s",
    attributes: { service: SERVICE, operation: OPERATION },
    doc: "Time of the sink's requests that were answered: insert (the whole chain of tables), identities (seen before?), plan and commit among them; failed ones are in meterline_sink_retries_total.",
    buckets: SECONDS_BUCKETS,
  },
  retries: {
    name: "meterline_sink_retries_total",
    kind: "counter",
    unit: "{request}",
    attributes: { service: SERVICE, operation: OPERATION },
    doc: "Requests of the sink that failed because the service was unavailable; each is sent again until it is answered.",
  },
  outages: {
    name: "meterline_sink_outages_total",
    kind: "counter",
    unit: "{outage}",
    attributes: { service: SERVICE },
    doc: "Outages that the sink has met: from a request's first failure until the same operation is answered again counts as one.",
  },
  identitiesAsked: {
    name: "meterline_sink_identities_asked_total",
    kind: "counter",
    unit: "{identity}",
    attributes: { shard: SHARD },
    doc: "Identities that ClickHouse was asked about because memory alone could not say that they are new; moves with each answered look-up.",
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
