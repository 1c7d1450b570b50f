/**
 * The check after every fault: each acknowledged event is in `usage_events_raw` with the right verdict, each identity counts once in every
 * view, batches tile the streams, the views equal the reference biller's recomputation, the sums close, and `verify` is sound.
 */
import { expect } from "vitest";
import { verify } from "../../../src/app/verify/verify.ts";
import { NS_PER_SECOND, instantOf } from "../../../src/kernel/instant.ts";
import { sha256Hex } from "../../../src/kernel/hash.ts";
import { usageStreamState } from "../../../src/stream/usage-stream.ts";
import { systemClock } from "../../../cmd/system-clock.ts";
import type { Services } from "../../../cmd/services.ts";
import { METER_KEYS } from "./fault-catalog.ts";
import type { Ledger } from "./ledger.ts";
import { referenceBooks, type ReferenceBooks, type ReferenceMessage } from "./reference-biller.ts";

/** What a shard's stream held at some time, message by message. */
export type StreamCopy = {
  readonly shard: number;
  readonly incarnation: string;
  readonly messages: readonly { readonly seq: number; readonly second: number; readonly sha256: string }[];
};

export type CountedOnceInput = {
  readonly services: Services;
  readonly ledger: Ledger;
  /** Streams that are no more what they were, and of which ClickHouse still has the events. */
  readonly earlier?: readonly StreamCopy[];
};

const READS_AT_ONCE = 64;
const POLL_MS = 20;
const DIFFERENCES_SHOWN = 20;
const STORED_MS = 100_000;

export async function expectCountedOnce(input: CountedOnceInput): Promise<void> {
  await expectBooksAgree(input);
  const report = await verify(input.services.verify(() => undefined));
  expect(report.discrepancies).toEqual([]);
  expect(report.notes).toEqual([]);
}

/** The same without `verify`, for every step of a test that verifies at its end. */
export async function expectBooksAgree(input: CountedOnceInput): Promise<void> {
  const { services, ledger, earlier = [] } = input;
  const copies = await copyStreams(services);
  expectNothingLost(ledger, [...earlier, ...copies]);
  const books = referenceBooks(messagesOf(ledger, [...earlier, ...copies]));
  const stored = await storedBooks(services);
  expect(differences(stored.rows, books.rows)).toEqual([]);
  expect(stored.accepted).toBe(books.accepted);
  for (const view of ["windows", "peaks", "users"] as const) expect(sorted(stored[view])).toEqual(sorted(books[view]));
  expect(await contradictions(services, books)).toEqual([]);
}

/** Rows that are changed behind Meterline's back must be found; they are put back afterwards. */
export async function expectTamperingFound(services: Services): Promise<void> {
  const change = async (side: "by" | "back"): Promise<void> => {
    for (const { table, [side]: assignment } of TAMPERINGS)
      await services.clickhouse.command({
        sql: `ALTER TABLE meterline.${table} UPDATE ${assignment} WHERE ${FIRST_ROW[table]}`,
        settings: { mutations_sync: "2" },
        doing: "tampering",
      });
  };
  await change("by");
  const found = (await verify(services.verify(() => undefined))).discrepancies.map(({ table }) => table);
  await change("back");
  for (const { table } of TAMPERINGS) expect(found).toContain(table);
}

const FIRST_ROW = {
  usage_windows:
    "(cut, customer, window_start) = (SELECT min((cut, customer, window_start)) FROM meterline.usage_windows WHERE meter = 'tokens') AND meter = 'tokens'",
  usage_events_raw:
    "(shard, incarnation, seq, position) = (SELECT min((shard, incarnation, seq, position)) FROM meterline.usage_events_raw WHERE verdict = 'accepted')",
} as const;
const TAMPERINGS = [
  { table: "usage_windows", by: "event_count = event_count + 1", back: "event_count = event_count - 1" },
  { table: "usage_events_raw", by: "id = concat(id, 'x')", back: "id = substring(id, 1, length(id) - 1)" },
] as const;

/** Polls until the last message of every stream is in a committed batch. */
export async function untilAllStored(services: Services, timeoutMs = STORED_MS): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const missing = await unstored(services).catch((error: unknown) => String(error));
    if (missing === "") return;
    if (Date.now() > deadline) throw new Error(`not everything was stored in ${timeoutMs} ms: ${missing}`);
    await systemClock.sleep(POLL_MS);
  }
}

async function unstored({ nats, sinkStore, shards }: Services): Promise<string> {
  let missing = "";
  for (let shard = 0; shard < shards; shard += 1) {
    const { incarnation, lastSeq } = await usageStreamState(nats, shard);
    const last = (await sinkStore.lastBatch({ shard, incarnation }))?.plan.last ?? 0;
    if (last < lastSeq) missing += ` shard ${shard} has ${last} of ${lastSeq}`;
  }
  return missing;
}

export async function copyStreams({ nats, shards }: Services): Promise<StreamCopy[]> {
  const copies: StreamCopy[] = [];
  for (let shard = 0; shard < shards; shard += 1) {
    const { incarnation, lastSeq } = await usageStreamState(nats, shard);
    const messages: StreamCopy["messages"][number][] = [];
    const read = async (seq: number) => {
      const message = await nats.jsm.streams.getMessage(`USAGE_${shard}`, { seq });
      if (message === null) throw new Error(`message ${seq} of shard ${shard} is gone`);
      const second = Number(instantOf(message.timestamp, "arrival") / NS_PER_SECOND);
      return { seq, second, sha256: sha256Hex(message.data) };
    };
    for (let from = 1; from <= lastSeq; from += READS_AT_ONCE) {
      const count = Math.min(READS_AT_ONCE, lastSeq - from + 1);
      messages.push(...(await Promise.all(Array.from({ length: count }, (_, index) => read(from + index)))));
    }
    copies.push({ shard, incarnation, messages });
  }
  return copies;
}

/** What a producer was told is stored is in a stream, at the place that it was told. */
function expectNothingLost(ledger: Ledger, copies: readonly StreamCopy[]): void {
  const held = new Set<string>();
  for (const { shard, messages } of copies)
    for (const { seq, sha256 } of messages) held.add(`USAGE_${shard} ${seq} ${sha256}`);
  const lost = ledger.acknowledged.filter(({ stream, seq, sha256 }) => !held.has(`${stream} ${seq} ${sha256}`));
  expect(lost).toEqual([]);
}

function messagesOf(ledger: Ledger, copies: readonly StreamCopy[]): ReferenceMessage[] {
  const inOrder = copies.toSorted(
    (a, b) => a.shard - b.shard || (BigInt(a.incarnation) < BigInt(b.incarnation) ? -1 : 1),
  );
  return inOrder.flatMap(({ shard, incarnation, messages }) =>
    messages.map(({ seq, second, sha256 }) => {
      const meant = ledger.meaningOf(sha256);
      if (meant === undefined) throw new Error(`nobody sent message ${seq} of shard ${shard}`);
      return { shard, incarnation, seq, second, meant };
    }),
  );
}

async function storedBooks({ clickhouse }: Services): Promise<ReferenceBooks> {
  const rows = async (sql: string): Promise<[string, string][]> => {
    const found = await clickhouse.rows<{ k: string; v: string }>({ sql, doing: "reading the books" });
    return found.map(({ k, v }) => [k, v]);
  };
  const raw = await rows(ROWS_SQL);
  const keys = await rows("SELECT '' AS k, toString(uniqExact(event_key)) AS v FROM meterline.event_keys");
  return {
    rows: raw.map(([key]) => key),
    accepted: Number(keys[0]?.[1]),
    windows: new Map(await rows(WINDOWS_SQL)),
    peaks: new Map(await rows(PEAKS_SQL)),
    users: new Map(await rows(USERS_SQL)),
  };
}

const ROWS_SQL = `SELECT concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position), ' ',
    toString(verdict), if(reason = '' OR verdict IN ('duplicate', 'conflict'), '', concat(' ', reason))) AS k, '' AS v
  FROM meterline.usage_events_raw ORDER BY shard, incarnation, seq, position`;
const WINDOWS_SQL = `SELECT concat(meter, ' ', customer, ' ', toString(toUnixTimestamp(window_start)), ' ', toString(dimensions)) AS k,
    concat(toString(sum(quantity_sum)), ' of ', toString(sum(event_count))) AS v
  FROM meterline.usage_windows WHERE meter IN ('tokens', 'calls') GROUP BY meter, customer, window_start, dimensions`;
const PEAKS_SQL = `SELECT concat(customer, ' ', toString(toUnixTimestamp(window_start))) AS k, toString(max(maximum)) AS v
  FROM meterline.usage_window_extremes WHERE meter = 'peak' GROUP BY customer, window_start`;
const USERS_SQL = `SELECT concat(customer, ' ', toString(toUnixTimestamp(toDateTime(day, 'UTC')))) AS k, toString(uniqExact(value_hash)) AS v
  FROM meterline.usage_unique_values WHERE meter = 'users' GROUP BY customer, day`;

/** Ways in which the tables could disagree about how often something was stored; none when all is well. */
async function contradictions({ clickhouse }: Services, books: ReferenceBooks): Promise<readonly string[]> {
  const metered = [...books.windows].filter(([key]) => key.startsWith("calls ")).map(([, value]) => value);
  const events = metered.reduce((sum, value) => sum + Number(value.split(" of ")[1]), 0);
  const rows = await clickhouse.rows<{ problem: string }>({
    sql: CONTRADICTIONS_SQL,
    params: { accepted: books.accepted, metered: events, meters: METER_KEYS },
    doing: "comparing the tables",
  });
  return rows.map((row) => row.problem);
}

const CONTRADICTIONS_SQL = [
  `SELECT concat('raw row twice: ', toString(seq)) AS problem FROM meterline.usage_events_raw GROUP BY shard, incarnation, seq, position HAVING count() > 1`,
  `SELECT concat('identity twice: ', toString(event_key)) FROM meterline.event_keys GROUP BY event_key HAVING count() > 1`,
  `SELECT concat('identities: ', toString(count())) FROM meterline.event_keys HAVING count() != {accepted: UInt64}`,
  `SELECT concat('events of ', meter, ': ', toString(count())) FROM meterline.usage_events WHERE meter IN {meters: Array(String)} GROUP BY meter HAVING count() != {metered: UInt64}`,
  ...["windows", "window_extremes", "window_latest", "window_levels"].map(
    (table) =>
      `SELECT concat('usage_${table} of ', meter, ': ', toString(sum(event_count))) FROM meterline.usage_${table} WHERE meter IN {meters: Array(String)} GROUP BY meter HAVING sum(event_count) != {metered: UInt64}`,
  ),
  `SELECT concat('batch twice: ', toString(first)) FROM meterline.sink_batches GROUP BY shard, incarnation, first HAVING count() > 1`,
  `SELECT concat('gap or overlap before message ', toString(first)) FROM (SELECT first, lagInFrame(last) OVER (PARTITION BY shard, incarnation ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before FROM meterline.sink_batches) WHERE first != before + 1`,
  `SELECT concat('verdicts do not add up to the rows: ', toString(first)) FROM meterline.sink_batches WHERE rows != accepted + duplicate + conflict + rejected`,
  `SELECT concat('rows: ', toString(sum(rows))) FROM meterline.sink_batches HAVING sum(rows) != (SELECT count() FROM meterline.usage_events_raw)`,
].join(" UNION ALL ");

/** The first of them: hundreds help nobody. */
function differences(stored: readonly string[], expected: readonly string[]): string[] {
  const [has, wants] = [new Set(stored), new Set(expected)];
  const extra = stored.filter((row) => !wants.has(row)).map((row) => `stored: ${row}`);
  const missing = expected.filter((row) => !has.has(row)).map((row) => `expected: ${row}`);
  const twice = stored.length === has.size ? [] : [`${stored.length - has.size} rows are stored twice`];
  return [...twice, ...extra, ...missing].slice(0, DIFFERENCES_SHOWN);
}

function sorted(entries: ReadonlyMap<string, string>): string[] {
  return [...entries].map(([key, value]) => `${key} = ${value}`).sort();
}
