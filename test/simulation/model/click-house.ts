/**
 * ClickHouse as the sink meets it. An insert goes table by table, each with its own window of tokens; it may end between two tables, be slow, or go
 * on after whoever sent it has died. What it is allowed to rely on: a block and its token are one, and an insert that has begun ends before the
 * window has turned over.
 */
import type { EncodedRows, KnownIdentity, SinkStore, StreamPlace, UnfinishedBatch } from "../../../src/app/ports.ts";
import type { BatchPlan, CommittedBatch } from "../../../src/domain/sink-plan.ts";
import { insertToken } from "../../../src/domain/sink-plan.ts";
import type { UsageRow } from "../../../src/domain/usage-event.ts";
import { AppError } from "../../../src/kernel/errors.ts";
import { NS_PER_MILLISECOND } from "../../../src/kernel/instant.ts";
import type { Defect } from "../defects.ts";
import type { Reply } from "../network.ts";
import { SimServer } from "../network.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Trace } from "../trace.ts";
import type { VirtualTime } from "../virtual-time.ts";
import { ModelTable } from "./model-table.ts";
import { readUsageRows } from "./read-usage-rows.ts";
import {
  keyRowsOf,
  useRowsOf,
  WINDOW_VIEWS,
  windowRowsOf,
  type KeyRow,
  type UseRow,
  type WindowRow,
} from "./usage-views.ts";

/** Probabilities per insert. */
export type ClickHouseFaults = {
  /** A view throws: what it comes after is stored, what it comes before is not. */
  readonly viewThrows: number;
  /** An insert stands still between two tables. */
  readonly stalls: number;
  readonly stallMsMax: number;
};
export type InsertInput = {
  readonly shard: number;
  readonly plan: BatchPlan;
  readonly epoch: number;
  readonly rows: EncodedRows;
  readonly again: boolean;
  /** Asked from the moment that the request was sent. */
  readonly isTooLate: () => boolean;
};
type World = {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly defects: ReadonlySet<Defect>;
  readonly windowBlocks: number;
  /** Told of every block that is stored. */
  readonly onStored: (rows: readonly UsageRow[]) => void;
  readonly onViolation: (text: string) => void;
};
type Target = { readonly name: string; readonly store: (token: string, rows: readonly UsageRow[]) => boolean };
type Tables = {
  readonly raw: ModelTable<UsageRow>;
  readonly keys: ModelTable<KeyRow>;
  readonly uses: ModelTable<UseRow>;
  readonly windows: readonly ModelTable<WindowRow>[];
  readonly batches: ModelTable<CommittedBatch>;
  readonly fence: ModelTable<{ readonly shard: number; readonly epoch: number }>;
};

export class ModelClickHouse {
  readonly server = new SimServer("clickhouse");
  faults: ClickHouseFaults = { viewThrows: 0, stalls: 0, stallMsMax: 0 };
  tables: Tables;
  private readonly world: World;
  private readonly batchesAtPlan = new Map<string, number>();
  private attempts = 0;

  constructor(world: World) {
    this.world = world;
    const blocks = world.defects.has("window-too-short") ? 1 : world.windowBlocks;
    const viewBlocks = world.defects.has("view-without-window") ? 0 : blocks;
    this.tables = {
      raw: new ModelTable("usage_events_raw", blocks),
      keys: new ModelTable("event_keys", blocks),
      uses: new ModelTable("usage_events", blocks),
      windows: WINDOW_VIEWS.map(({ table }) => new ModelTable(table, table === "usage_windows" ? viewBlocks : blocks)),
      batches: new ModelTable("sink_batches", blocks),
      fence: new ModelTable("sink_fence", 0),
    };
  }

  /** Everything, as a backup holds it. */
  copyTables(): Tables {
    const { raw, keys, uses, windows, batches, fence } = this.tables;
    return {
      raw: raw.copy(),
      keys: keys.copy(),
      uses: uses.copy(),
      windows: windows.map((table) => table.copy()),
      batches: batches.copy(),
      fence: fence.copy(),
    };
  }

  insert(input: InsertInput, answer: (reply: Reply<undefined>) => void): void {
    const { shard, epoch, plan, again } = input;
    const rows = readUsageRows(input.rows.bytes);
    if (this.isFenced(shard, epoch)) return refuse(answer, "SINK_FENCED", `epoch ${epoch} is fenced`);
    if (again && this.isOutlived(shard, plan)) return refuse(answer, "PLAN_OUTLIVED", "the plan is too old");
    if (monthOf(rows[0]) !== monthOf(rows.at(-1)))
      this.world.onViolation(`insert ${input.plan.first} spans two partitions`);
    const before = this.world.defects.has("answered-before-stored");
    if (before) answer({ value: undefined });
    const targets = this.targets(input.rows.special);
    this.storeTargets({ token: this.tokenOf(input), rows, targets, isTooLate: input.isTooLate, answer });
  }

  /**
   * Counts the blocks of the chain, whose windows all turn over with it: what was sent half a window ago neither arrives nor goes on any more. The
   * other half is what a plan may be old when it is inserted again.
   */
  expiry(): () => boolean {
    const before = this.tables.raw.blocks;
    return () => this.tables.raw.blocks - before >= this.world.windowBlocks / 2 - 1;
  }

  /** A repeated commit is recognised by its row where that is looked for, and while two are under way by its token. */
  commit({ batch, again }: Parameters<SinkStore["commit"]>[0], answer: (reply: Reply<undefined>) => void): void {
    const { shard, plan, epoch } = batch;
    if (this.isFenced(shard, epoch)) return refuse(answer, "SINK_FENCED", `epoch ${epoch} is fenced`);
    const looks = again && !this.world.defects.has("commit-by-token-only");
    const isThere = looks && this.batchOf(shard, plan) !== null;
    if (!isThere) this.tables.batches.insert(`batch/${insertToken(shard, plan)}`, [batch]);
    answer({ value: undefined });
  }

  /** Told of every plan that is recorded. */
  planned(shard: number, plan: BatchPlan): void {
    this.batchesAtPlan.set(insertToken(shard, plan), this.tables.batches.rows.length);
  }

  /** Somebody looks which tables hold a batch, and tells each of them. */
  recall(shard: number, plan: BatchPlan): void {
    const { raw, keys, uses, windows } = this.tables;
    const token = insertToken(shard, plan);
    for (const table of [raw, keys, uses, ...windows]) table.recall(token);
    this.planned(shard, plan);
  }

  storedBehind({ shard, incarnation, after }: Parameters<SinkStore["storedBehind"]>[0]): UnfinishedBatch | null {
    if (this.world.defects.has("unplanned-rows-unseen")) return null;
    const { raw, keys, uses } = this.tables;
    const behind = (row: { shard: number; incarnation: bigint; seq: number }): boolean =>
      row.shard === shard && row.incarnation === BigInt(incarnation) && row.seq > after;
    const unfinished = raw.rows.filter(behind);
    if (unfinished.length > 0) return { last: Math.max(...unfinished.map(({ seq }) => seq)) };
    const windowed = this.tables.windows.flatMap(({ rows }) => rows).flatMap((row) => row.uses);
    return [keys.rows, uses.rows, windowed].some((rows) => rows.some(behind)) ? { last: null } : null;
  }

  raiseFence(shard: number, epoch: number): void {
    this.tables.fence.insert("", [{ shard, epoch }]);
  }

  private isFenced(shard: number, epoch: number): boolean {
    if (this.world.defects.has("no-fence")) return false;
    return this.tables.fence.rows.some((fence) => fence.shard === shard && fence.epoch > epoch);
  }

  lastBatch(shard: number, incarnation?: string): CommittedBatch | null {
    let last: CommittedBatch | null = null;
    for (const batch of this.tables.batches.rows) {
      if (batch.shard !== shard || (incarnation !== undefined && batch.plan.incarnation !== incarnation)) continue;
      if (last === null || isLater(batch.plan, last.plan)) last = batch;
    }
    return last;
  }

  batchOf(shard: number, plan: BatchPlan): CommittedBatch | null {
    const same = (batch: CommittedBatch): boolean =>
      batch.shard === shard && batch.plan.incarnation === plan.incarnation && batch.plan.first === plan.first;
    return this.tables.batches.rows.find(same) ?? null;
  }

  knownIdentities({ eventKeys, shard, before }: Parameters<SinkStore["knownIdentities"]>[0]): KnownIdentity[] {
    const asked = new Set(eventKeys);
    const anyPlace = before === null || this.world.defects.has("identities-of-own-batch");
    const earlier = (row: KeyRow): boolean =>
      anyPlace ||
      row.incarnation < BigInt(before.incarnation) ||
      (row.incarnation === BigInt(before.incarnation) && row.seq < before.seq);
    return this.tables.keys.rows.filter((row) => row.shard === shard && asked.has(row.eventKey) && earlier(row));
  }

  /** Of all messages, or of those behind a place in the stream. */
  identities(shard: number, behind?: StreamPlace): bigint[] {
    if (this.world.defects.has("filter-starts-empty")) return [];
    const { incarnation, seq } = { incarnation: BigInt(behind?.incarnation ?? 0), seq: behind?.seq ?? 0 };
    const isBehind = (row: KeyRow): boolean =>
      row.incarnation > incarnation || (row.incarnation === incarnation && row.seq > seq);
    return this.tables.keys.rows.filter((row) => row.shard === shard && isBehind(row)).map(({ eventKey }) => eventKey);
  }

  /** Half a window of batches later; the product counts them by their times. */
  private isOutlived(shard: number, plan: BatchPlan): boolean {
    if (this.world.defects.has("outlived-plan")) return false;
    const since = this.tables.batches.rows.length - (this.batchesAtPlan.get(insertToken(shard, plan)) ?? 0);
    if (since < this.world.windowBlocks / 2) return false;
    return this.storedBehind({ shard, incarnation: plan.incarnation, after: plan.first - 1 }) !== null;
  }

  private tokenOf({ shard, plan }: InsertInput): string {
    this.attempts += 1;
    if (this.world.defects.has("no-token")) return `attempt ${this.attempts}`;
    if (this.world.defects.has("token-without-incarnation")) return `${shard}/${plan.first}-${plan.last}`;
    return insertToken(shard, plan);
  }

  private storeTargets(input: {
    readonly token: string;
    readonly rows: readonly UsageRow[];
    readonly targets: readonly Target[];
    readonly isTooLate: () => boolean;
    readonly answer: (reply: Reply<undefined>) => void;
  }): void {
    const { time, random, trace, defects } = this.world;
    const { token, rows, targets, isTooLate, answer } = input;
    const { life } = this.server;
    const throwsAt = random.chance(this.faults.viewThrows) ? random.below(targets.length) : -1;
    const stallsAt = random.chance(this.faults.stalls) ? random.below(targets.length) : -1;
    const cutAt = defects.has("blocks-by-chance") ? random.between(1, rows.length) : rows.length;
    const refuse = (why: string): void => {
      trace(() => `clickhouse: insert ${token} ends ${why}`);
      answer({
        error: new AppError({ code: "CLICKHOUSE_ABORTED", kind: "unavailable", message: `insert ${token} ${why}` }),
      });
    };
    const step = (index: number): void => {
      if (this.server.life !== life) return;
      const target = targets[index];
      if (target === undefined) {
        answer({ value: undefined });
        return;
      }
      if (isTooLate()) return refuse("after too long a time");
      if (index === throwsAt && !defects.has("views-ignore-errors")) return refuse(`because ${target.name} threw`);
      if (index !== throwsAt) this.storeBlocks(target, token, [rows.slice(0, cutAt), rows.slice(cutAt)]);
      time.after(index === stallsAt ? random.below(this.faults.stallMsMax + 1) : random.below(2), () => {
        step(index + 1);
      });
    };
    step(0);
  }

  private storeBlocks(target: Target, token: string, blocks: readonly (readonly UsageRow[])[]): void {
    const [first = [], second = []] = blocks;
    const parts =
      second.length === 0
        ? [{ token, rows: first }]
        : [
            { token: `${token}#${first.length}`, rows: first },
            { token: `${token}+${second.length}`, rows: second },
          ];
    for (const part of parts) {
      const stored = target.store(part.token, part.rows);
      this.world.trace(() => `clickhouse: ${target.name} ${stored ? "stores" : "recognises"} ${part.token}`);
      if (stored && target.name === "usage_events_raw") this.world.onStored(part.rows);
    }
  }

  /** The views in any order, `usage_windows` behind what it reads. */
  private targets(isSpecial: boolean): Target[] {
    const { raw, keys, uses, windows } = this.tables;
    const [all, ...special] = windows.map((table, index) => ({
      name: table.name,
      store: (token: string, rows: readonly UsageRow[]) =>
        table.insert(token, windowRowsOf(WINDOW_VIEWS[index] as (typeof WINDOW_VIEWS)[number], useRowsOf(rows))),
    }));
    const views: readonly Target[][] = [
      [{ name: raw.name, store: (token, rows) => raw.insert(token, rows) }],
      [{ name: keys.name, store: (token, rows) => keys.insert(token, keyRowsOf(rows)) }],
      [{ name: uses.name, store: (token, rows) => uses.insert(token, useRowsOf(rows)) }, all as Target],
      ...(isSpecial ? special.map((target) => [target]) : []),
    ];
    return this.world.random.shuffled(views).flat();
  }
}

function refuse(answer: (reply: Reply<undefined>) => void, code: string, message: string): void {
  answer({ error: new AppError({ code, kind: "conflict", message }) });
}

function isLater(a: BatchPlan, b: BatchPlan): boolean {
  const [one, other] = [BigInt(a.incarnation), BigInt(b.incarnation)];
  return one > other || (one === other && a.first > b.first);
}

function monthOf(row: UsageRow | undefined): string {
  return row === undefined ? "" : new Date(Number(row.ingestedAt / NS_PER_MILLISECOND)).toISOString().slice(0, 7);
}
