/**
 * Between a benchmark's sink and ClickHouse: holds its inserts of usage until they are let go, and keeps their bodies, which a bare insert repeats. They are copied
 * into memory that no round has to touch for the first time: 1.3 ms for the 28 MB of a batch, and 8 to 115 ms into a file (2026-11-29), of the 500 that a batch takes.
 */
import type { ClickHouse, InsertInput } from "../../src/clickhouse/connect.ts";

export type KeptInserts = {
  /** That there is memory for; none: nothing is kept. */
  readonly rows: number;
  /** So many batches after it was held are not kept. */
  readonly behind: number;
};

export type HeldInserts = {
  /** For the sink. */
  readonly clickhouse: ClickHouse;
  /** What is under way goes on; the next one waits. Batches are counted from here. */
  readonly hold: () => void;
  readonly release: () => void;
  readonly keep: (kept: KeptInserts) => void;
  /** Since the last call, oldest first; they hold until the next insert. */
  readonly take: () => readonly Uint8Array[];
};

/** Of the benchmarks' events. */
const ROW_BYTES_MAX = 1_000;
const USAGE = /^INSERT INTO meterline\.usage_ingest(_special)? /;

export function holdInserts(clickhouse: ClickHouse): HeldInserts {
  let held: PromiseWithResolvers<void> | null = null;
  let behind = 0;
  const tokens = new Set<string>();
  const memory = createMemory();
  /** A batch that is inserted again has its token again. */
  const keepOnce = ({ settings, body }: InsertInput): void => {
    const token = String(settings?.insert_deduplication_token);
    if (tokens.has(token)) return;
    tokens.add(token);
    if (tokens.size > behind) memory.keep(body);
  };
  const insert = async (input: InsertInput): Promise<void> => {
    const usage = USAGE.exec(input.sql);
    if (usage !== null) {
      await held?.promise;
      if (memory.isKeeping() && usage[1] !== undefined) throw new Error("the bare insert passes no special views");
      if (memory.isKeeping()) keepOnce(input);
    }
    await clickhouse.insert(input);
  };
  return {
    clickhouse: { ...clickhouse, insert },
    hold: () => {
      held ??= Promise.withResolvers();
      tokens.clear();
    },
    release: () => {
      held?.resolve();
      held = null;
    },
    keep: (kept) => {
      behind = kept.behind;
      memory.resize(kept.rows * ROW_BYTES_MAX);
    },
    take: memory.take,
  };
}

function createMemory() {
  let bytes = Buffer.alloc(0);
  let at = 0;
  const bodies: Uint8Array[] = [];
  return {
    isKeeping: () => bytes.length > 0,
    resize: (length: number): void => {
      bytes = Buffer.alloc(length, 1);
      at = 0;
      bodies.length = 0;
    },
    // The sink writes the rows of other batches where these stand.
    keep: (body: InsertInput["body"]): void => {
      if (!(body instanceof Uint8Array)) throw new Error("the rows of a batch are not one piece of bytes");
      if (at + body.length > bytes.length) throw new Error("more is inserted than is to be kept");
      bytes.set(body, at);
      bodies.push(bytes.subarray(at, at + body.length));
      at += body.length;
    },
    take: (): readonly Uint8Array[] => {
      at = 0;
      return bodies.splice(0);
    },
  };
}
