/** Puts accepted events straight into `usage_ingest_special`, as the sink would, for tests of everything behind it. */
import type { ClickHouse } from "../../src/clickhouse/connect.ts";
import type { Aggregation } from "../../src/domain/meter.ts";
import { canonicalJson } from "../../src/kernel/canonical-json.ts";
import { sha256UInt128 } from "../../src/kernel/hash.ts";
import { NS_PER_SECOND, instantText, type Instant } from "../../src/kernel/instant.ts";

export type WrittenEvent = {
  readonly meter: string;
  readonly aggregation: Aggregation;
  readonly customer: string;
  readonly time: Instant;
  readonly id: string;
  /** A decimal, or any text for unique_count. */
  readonly value: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly cut: number;
  readonly shard: number;
  readonly seq: number;
};

const SOURCE = "gw";
const INCARNATION = "1790000000000000001";

/** One insert per cut, each with a token of its own. */
export async function writeUsage(clickhouse: ClickHouse, events: readonly WrittenEvent[]): Promise<void> {
  for (const cut of new Set(events.map((event) => event.cut))) {
    const batch = events.filter((event) => event.cut === cut);
    await clickhouse.insert({
      sql: "INSERT INTO meterline.usage_ingest_special FORMAT JSONEachRow",
      body: batch.map((event) => `${JSON.stringify(rowOf(event))}\n`).join(""),
      settings: {
        async_insert: 0,
        date_time_input_format: "best_effort",
        insert_deduplication_token: `test/${String(cut)}/${batch[0]?.id ?? ""}`,
      },
      doing: "writing test usage",
    });
  }
}

/** Takes an event out again from a cut on. */
export async function retractUsage(
  clickhouse: ClickHouse,
  input: { readonly event: WrittenEvent; readonly cut: number },
): Promise<void> {
  const { event, cut } = input;
  const row = {
    meter: event.meter,
    customer: event.customer,
    window_start: Number((event.time / NS_PER_SECOND / 900n) * 900n),
    source: SOURCE,
    id: event.id,
    cut,
    shard: event.shard,
    incarnation: INCARNATION,
    seq: "1000000",
    position: 0,
    target_incarnation: INCARNATION,
    target_seq: String(event.seq),
    target_position: positionOf(event),
    retracted_by: `void-${event.id}`,
    retraction_type: "meterline.void",
  };
  await clickhouse.insert({
    sql: "INSERT INTO meterline.usage_retractions FORMAT JSONEachRow",
    body: JSON.stringify(row),
    doing: "writing a test retraction",
  });
}

/** Tests number the messages of each meter by themselves: no two events may have one place. */
function positionOf({ id }: WrittenEvent): number {
  return Number(BigInt.asUintN(32, sha256UInt128(id)));
}

function rowOf(event: WrittenEvent): object {
  const counts = event.aggregation === "count";
  const isText = event.aggregation === "unique_count";
  const quantity = counts ? "1" : isText ? "0" : event.value;
  return {
    shard: event.shard,
    incarnation: INCARNATION,
    seq: String(event.seq),
    position: positionOf(event),
    batch_first: String(event.seq),
    cut: event.cut,
    subject: `usage.${SOURCE}`,
    ingested_at: "2026-10-01T00:00:00Z",
    source: SOURCE,
    id: event.id,
    type: "t",
    customer: event.customer,
    event_time: instantText(event.time),
    verdict: "accepted",
    reason: "",
    detail: "",
    event_key: String(sha256UInt128(`${String(SOURCE.length)}:${SOURCE}${event.id}`)),
    body_hash: String(sha256UInt128(canonicalJson([event.customer, event.value]))),
    raw: "{}",
    uses: [
      {
        meter: event.meter,
        aggregation: event.aggregation,
        quantity,
        text: isText ? event.value : "",
        dimensions: event.dimensions,
      },
    ],
  };
}
