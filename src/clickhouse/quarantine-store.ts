/** The rejected events in ClickHouse, for `quarantine`: rows of usage_events_raw that no replay stands for yet. */
import type {
  QuarantineCount,
  QuarantinedEvent,
  QuarantineFilter,
  QuarantinePlace,
  QuarantineStore,
} from "../app/quarantine/quarantine-types.ts";
import { originText, replayOfRow, type EventOrigin } from "../domain/quarantine.ts";
import { producerTokenOf, sourceOfProducerToken } from "../domain/producer-token.ts";
import { instantText } from "../kernel/instant.ts";
import type { ClickHouse, QueryInput } from "./connect.ts";
import { querySql } from "./load-sql.ts";

type EventRow = {
  readonly shard: number;
  readonly incarnation: string;
  readonly seq: string;
  readonly position: number;
  readonly subject: string;
  readonly ingested_at: string;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly customer: string;
  readonly reason: string;
  readonly detail: string;
  readonly raw_base64: string;
  readonly replays: readonly (readonly [string, string, number])[];
};

export function quarantineStore(clickhouse: ClickHouse): QuarantineStore {
  return {
    events: (filter, limit) => quarantinedEvents(clickhouse, filter, limit),
    counts: (filter) =>
      clickhouse.rows<QuarantineCount>({
        sql: querySql("quarantine-counts"),
        params: paramsOf(filter),
        doing: "counting the quarantine",
      }),
  };
}

async function* quarantinedEvents(
  clickhouse: ClickHouse,
  filter: QuarantineFilter,
  limit: number,
): AsyncGenerator<readonly QuarantinedEvent[]> {
  const rows = clickhouse.stream<EventRow>({
    sql: querySql("quarantined-events"),
    params: { ...paramsOf(filter), limit },
    doing: "reading the quarantine",
  });
  for await (const chunk of rows) yield chunk.map(quarantinedEvent);
}

function paramsOf(filter: QuarantineFilter): NonNullable<QueryInput["params"]> {
  const { reason = "", source = "", since, places = [], replayedToo = false } = filter;
  return {
    reason,
    source,
    token: source === "" ? "" : producerTokenOf(source),
    since: since === undefined ? "1970-01-01T00:00:00Z" : instantText(since),
    places: places.map(placeParam),
    replayedToo,
  };
}

/** Incarnation 0 stands for any. */
function placeParam({ shard, incarnation = 0n, seq, position }: QuarantinePlace): string {
  return `${shard}/${incarnation}/${seq}/${position}`;
}

function quarantinedEvent(row: EventRow): QuarantinedEvent {
  const { shard, subject, source, id, type, customer, reason, detail } = row;
  const origin = originOf([row.incarnation, row.seq, row.position]);
  const ingestedAt = BigInt(row.ingested_at);
  const { producerToken, arrivedAt } = replayOfRow({ origin, subject, ingestedAt });
  return {
    shard,
    origin,
    subject,
    producer: sourceOfProducerToken(producerToken) ?? producerToken,
    ingestedAt,
    arrivedAt,
    source,
    id,
    type,
    customer,
    reason,
    detail,
    raw: Buffer.from(row.raw_base64, "base64"),
    replays: row.replays.map(originOf).sort((a, b) => (originText(a) < originText(b) ? -1 : 1)),
  };
}

function originOf([incarnation, seq, position]: readonly [string, string, number]): EventOrigin {
  return { incarnation: BigInt(incarnation), seq: Number(seq), position };
}
