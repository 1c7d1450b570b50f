/**
 * R8: bytes per event of all tables of the chain after merges (raw, keys, enriched, windows and what else hangs on them; the stream trimmed) ÷ bytes per event of the same
 * events' JSON lines under gzip -6. The stream, which is trimmed once it is backed up, and the keys are told apart.
 */
import { createGzip } from "node:zlib";
import { Readable } from "node:stream";
import { benchEvents, messagesOf } from "../bench-events.ts";
import { USAGE_STREAM, type BenchWorld } from "../bench-world.ts";
import { requireEqual, type Benchmark } from "../benchmark.ts";
import { startChildSink } from "../child-sink.ts";
import { shown } from "../interleave.ts";
import { plainRatio } from "../ratio.ts";

const EVENTS_PER_MESSAGE = 100;
const GZIP_LEVEL = 6;

export const storage: Benchmark = {
  id: "R8",
  title: "Bytes per event beside gzip",
  events: 1_000_000,
  rounds: 1,
  minutes: 3,
  run: async ({ events, worlds, say }) => {
    const world = await worlds.fresh();
    const input = { events, round: "r8" };
    const zipped = (await gzippedBytes(input)) / events;
    say(`gzip -6: ${shown(zipped)} bytes per event`);
    const sink = startChildSink(world);
    await world.publish({ events, messages: messagesOf(benchEvents(input), EVENTS_PER_MESSAGE) });
    await sink.until(() => sink.accepted() >= events);
    const stream = await streamBytes(world);
    await sink.stop();
    const tables = await mergedTables(world);
    await world.stop();
    const rawRows = tables.find(({ table }) => table === "usage_events_raw")?.rows;
    requireEqual("rows of usage_events_raw", rawRows ?? 0, events);
    const perEvent = tables.map(({ table, bytes }) => ({
      name: table,
      unit: "bytes per event",
      values: [bytes / events],
    }));
    const total = perEvent.reduce((sum, { values }) => sum + (values[0] ?? 0), 0);
    return {
      measurements: [
        { name: "all tables", unit: "bytes per event", values: [total] },
        { name: "gzip -6 of the JSON lines", unit: "bytes per event", values: [zipped] },
        ...perEvent,
        { name: "the stream until it is trimmed", unit: "bytes per event", values: [stream / events] },
      ],
      ratios: [
        plainRatio({
          name: "bytes in ClickHouse ÷ gzip -6",
          value: total / zipped,
          target: { atMost: 3.5 },
          aim: { atMost: 2.5 },
        }),
      ],
      facts: { events, "events per message": EVENTS_PER_MESSAGE },
    };
  },
};

async function gzippedBytes(input: { readonly events: number; readonly round: string }): Promise<number> {
  const lines = function* (): Generator<string> {
    for (const { text } of benchEvents(input)) yield `${text}\n`;
  };
  let bytes = 0;
  const gzip = Readable.from(lines()).pipe(createGzip({ level: GZIP_LEVEL }));
  for await (const chunk of gzip as AsyncIterable<Buffer>) bytes += chunk.length;
  return bytes;
}

async function streamBytes({ context }: BenchWorld): Promise<number> {
  return (await (await context.nats()).jsm.streams.info(USAGE_STREAM)).state.bytes;
}

type TableSize = { readonly table: string; readonly bytes: number; readonly rows: number };

async function mergedTables({ clickhouse }: BenchWorld): Promise<readonly TableSize[]> {
  const doing = "measuring the tables";
  const read = () =>
    clickhouse.rows<{ table: string; bytes: string; rows: string }>({
      sql: `SELECT table, sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts
        WHERE database = 'meterline' AND active AND (table LIKE 'usage_%' OR table IN ('event_keys', 'event_fields', 'sink_batches'))
        GROUP BY table HAVING rows > 0 ORDER BY bytes DESC`,
      doing,
    });
  for (const { table } of await read())
    await clickhouse.command({ sql: `OPTIMIZE TABLE meterline.${table} FINAL`, doing: "merging" });
  return (await read()).map(({ table, bytes, rows }) => ({ table, bytes: Number(bytes), rows: Number(rows) }));
}
