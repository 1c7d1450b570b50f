/**
 * Millions of identities as if they had been accepted long ago, made by SQL with the very keys and body hashes that the sink computes. One event
 * that really went through the pipeline proves the formulas.
 */
import type { EventText } from "../../src/producer/producer-types.ts";
import { BENCH_SOURCE, messagesOf } from "./bench-events.ts";
import type { BenchWorld } from "./bench-world.ts";
import { startChildSink } from "./child-sink.ts";
import type { ClickHouse } from "../../src/clickhouse/connect.ts";

const CHUNK = 5_000_000;
/** Of `gateway/bench` and an id, as `event-identity.ts` defines it. */
const KEY_SQL = `reinterpretAsUInt128(substring(SHA256(concat('${BENCH_SOURCE.length}:${BENCH_SOURCE}', id)), 1, 16))`;
const NOTE = "x".repeat(80);
const EVENT = { specversion: "1.0", source: BENCH_SOURCE, type: "llm.completion", subject: "acme" };
/** Of an event with so many input tokens, as `event-identity.ts` defines it: over the canonical JSON of type, customer and data. */
const BODY_SQL =
  `reinterpretAsUInt128(substring(SHA256(concat('["llm.completion","acme",{"inputTokens":', toString(tokens), ` +
  `',"model":"small-1","note":"${NOTE}","outputTokens":100,"region":"eu-west-1"}]')), 1, 16))`;

export type Stored = {
  readonly identities: number;
  readonly bytes: number;
  readonly parts: number;
  readonly seconds: number;
};

export type BenchEvent = { readonly id: string; readonly tokens: number };

/** The nth stored identity, with its body. */
export function storedEvent(number: number): BenchEvent {
  return { id: `old-${String(number)}`, tokens: number };
}

/** Each with a time of its own. */
export function* storedTexts(events: Iterable<BenchEvent>): Generator<EventText> {
  const nowMs = Date.now();
  let number = 0;
  for (const { id, tokens } of events) {
    number += 1;
    const data = { model: "small-1", region: "eu-west-1", inputTokens: tokens, outputTokens: 100, note: NOTE };
    const time = new Date(nowMs - (number % 2_000_000) * 1_000).toISOString();
    yield { source: BENCH_SOURCE, id, text: JSON.stringify({ ...EVENT, id, time, data }) };
  }
}

const EXAMPLE: BenchEvent = { id: "example", tokens: 7 };

/** One event goes the whole way: what it left behind proves the formulas for all others. */
export async function proveFormulas(world: BenchWorld): Promise<void> {
  const sink = startChildSink(world);
  await world.publish({ events: 1, messages: messagesOf(storedTexts([EXAMPLE]), 1) });
  await sink.until(() => sink.events() > 0);
  await sink.stop();
  const found = await world.clickhouse.rows({
    sql: `SELECT 1 AS found FROM meterline.event_keys WHERE (event_key, body_hash) = (SELECT ${KEY_SQL}, ${BODY_SQL} FROM (SELECT {id: String} AS id, {tokens: UInt64} AS tokens))`,
    params: EXAMPLE,
    doing: "looking for an event that was accepted",
  });
  if (found.length !== 1) throw new Error("the formulas of key and body hash are not the sink's");
}

/** Merged into one part, as migration 0011 has it after a day. */
export async function storeIdentities(
  clickhouse: ClickHouse,
  input: { readonly from: number; readonly to: number; readonly say?: (text: string) => void },
): Promise<Stored> {
  const doing = "storing identities";
  const startedMs = performance.now();
  for (let from = input.from; from < input.to; from += CHUNK) {
    const count = Math.min(CHUNK, input.to - from);
    await clickhouse.command({
      sql: `INSERT INTO meterline.event_keys (event_key, body_hash, shard, incarnation, seq, position, ingested_at)
        SELECT ${KEY_SQL}, ${BODY_SQL}, 0, 1, intDiv(number, 100) + 1, number % 100, toDateTime('2026-01-01 00:00:00', 'UTC') + intDiv(number, 10)
        FROM (SELECT number, concat('old-', toString(number)) AS id, number AS tokens FROM numbers({from: UInt64}, {count: UInt64}))`,
      params: { from, count },
      settings: { insert_deduplicate: 0, max_insert_threads: "2" },
      doing,
    });
    input.say?.(`${((from + count) / 1e6).toFixed(1)} million identities are stored`);
  }
  const sql = "OPTIMIZE TABLE meterline.event_keys FINAL";
  await clickhouse.command({ sql, doing });
  const seconds = (performance.now() - startedMs) / 1_000;
  return { ...(await storedOf(clickhouse)), seconds };
}

async function storedOf(clickhouse: ClickHouse): Promise<Omit<Stored, "seconds">> {
  const [stored] = await clickhouse.rows<{ identities: string; bytes: string; parts: string }>({
    sql: `SELECT sum(rows) AS identities, sum(bytes_on_disk) AS bytes, count() AS parts FROM system.parts
      WHERE database = 'meterline' AND table = 'event_keys' AND active`,
    doing: "measuring event_keys",
  });
  return {
    identities: Number(stored?.identities ?? 0),
    bytes: Number(stored?.bytes ?? 0),
    parts: Number(stored?.parts ?? 0),
  };
}
