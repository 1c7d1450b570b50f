/** Everything that outlives a process: servers with their data, the network, time. It watches what must hold at every moment, not only at the end. */
import type { FilterCopy } from "../../src/domain/filter-copy.ts";
import type { BatchPlan, ShardKey } from "../../src/domain/sink-plan.ts";
import type { UsageRow } from "../../src/domain/usage-event.ts";
import type { Defect } from "./defects.ts";
import { ModelClickHouse } from "./model/click-house.ts";
import { ModelBucket, ModelStream, type Delivery } from "./model/jet-stream.ts";
import { Network, SimServer } from "./network.ts";
import type { Scenario } from "./scenario.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtual-time.ts";

export type WorldInput = {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly scenario: Scenario;
  readonly defects: ReadonlySet<Defect>;
};
/** NATS as a backup holds it. */
export type NatsBackup = { readonly streams: readonly ModelStream[]; readonly bucket: ModelBucket };

const VIOLATIONS_MAX = 20;

export class World {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly scenario: Scenario;
  readonly defects: ReadonlySet<Defect>;
  readonly network: Network;
  readonly natsServer = new SimServer("nats");
  readonly clickhouse: ModelClickHouse;
  readonly violations: string[] = [];
  /** Crash points that were reached. */
  readonly visits = new Set<string>();
  /** Codes with which sinks ended. */
  readonly ends = new Set<string>();
  /** Processes that close a cut. */
  readonly ratings = new Set<SimProcess>();
  /** Probability with which a process dies at a crash point. */
  crashes: number;
  /** Asked about every sink that ends by itself: true when that is as it should be. */
  expectsFailure: (code: string) => boolean = () => false;
  bucket = new ModelBucket();
  /** Copies of identity filters, by host and shard. */
  readonly disks = new Map<string, FilterCopy>();
  /** How many starts a copy has served. */
  copiesUsed = 0;
  /** Head of the journal; its entries are in `catalog-history.ts`. */
  journalSeq = 1;
  /** The cut that was last said to be closed. */
  closedCut = 0;
  /** Streams that were replaced by new ones, oldest first; what no batch holds of them is gone. */
  readonly formerStreams: { readonly shard: number; readonly stream: ModelStream }[] = [];
  private streams: ModelStream[];

  constructor(input: WorldInput) {
    const { time, random, trace, scenario, defects } = input;
    this.time = time;
    this.random = random.fork();
    this.trace = trace;
    this.scenario = scenario;
    this.crashes = scenario.crashes;
    this.defects = defects;
    this.network = new Network(input);
    this.clickhouse = new ModelClickHouse({
      ...{ time, random: random.fork(), trace, defects },
      windowBlocks: scenario.windowBlocks,
      onStored: (rows) => {
        this.stored(rows);
      },
      onViolation: (text) => {
        this.violated(text);
      },
    });
    this.streams = Array.from({ length: scenario.shards }, () => this.newStream());
  }

  stream(shard: number): ModelStream {
    const stream = this.streams[shard];
    if (stream === undefined) throw new Error(`there is no shard ${shard}`);
    return stream;
  }

  pull(shard: number, max: number): Delivery {
    return this.stream(shard).pull(max, { random: this.random, redelivers: this.scenario.redelivers });
  }

  violated(text: string): void {
    this.trace(() => `VIOLATION: ${text}`);
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(text);
  }

  cutClosed(cut: number): void {
    this.trace(() => `cut ${cut} is closed`);
    this.closedCut = Math.max(this.closedCut, cut);
  }

  /** Ends that need nobody: lost to another writer, a server that is away, messages that were stored and trimmed while a slow writer looked away. */
  sinkFailed(code: string, text: string): void {
    this.ends.add(code);
    if (code === "PLAN_OUTLIVED") this.recallOpenPlans();
    const harmless =
      code === "PLAN_OUTLIVED" || code === "SINK_FENCED" || code === "STREAM_HOLE" || code.endsWith("_UNAVAILABLE");
    if (!harmless && !this.expectsFailure(code)) this.violated(`a sink ended: ${text}`);
  }

  /** Only what is stored may be acknowledged. */
  acknowledged(shard: number, seq: number): void {
    const stream = this.stream(shard);
    const stored = this.clickhouse.lastBatch(shard, stream.incarnation)?.plan.last ?? 0;
    if (seq > stored) this.violated(`message ${seq} of shard ${shard} is acknowledged, stored is ${stored}`);
    stream.ackAll(seq);
  }

  /** Performs a write of a shard's key, and looks at the plan that it brings. */
  keyWritten(shard: number, write: () => number | null): number | null {
    const before = this.keyOf(shard)?.plan ?? null;
    const revision = write();
    const plan = this.keyOf(shard)?.plan ?? null;
    if (plan !== null && JSON.stringify(plan) !== JSON.stringify(before)) this.planRecorded(shard, { plan, before });
    return revision;
  }

  keyOf(shard: number): ShardKey | null {
    return this.bucket.read<ShardKey>(`shard.${shard}`)?.value ?? null;
  }

  isStored(shard: number): boolean {
    const { incarnation, lastSeq } = this.stream(shard).state;
    return (this.clickhouse.lastBatch(shard, incarnation)?.plan.last ?? 0) === lastSeq;
  }

  /** True while rows of a shard may be stored whose batch is not committed. */
  hasOpenPlan(): boolean {
    return this.streams.some((_, shard) => {
      const plan = this.keyOf(shard)?.plan ?? null;
      return plan !== null && this.clickhouse.batchOf(shard, plan) === null;
    });
  }

  backUpNats(): NatsBackup {
    return { streams: this.streams.map((stream) => stream.copy()), bucket: this.bucket.copy() };
  }

  /** NATS as it is, not as a copy. */
  keepNats(): NatsBackup {
    return { streams: this.streams, bucket: this.bucket };
  }

  /** The journal is a stream too, so that cuts which were closed since are closed no more. */
  restoreNats(nats: NatsBackup): void {
    this.streams = [...nats.streams];
    this.bucket = nats.bucket;
    this.closedCut = 0;
  }

  loseKeys(): void {
    this.bucket = new ModelBucket();
    this.closedCut = 0;
  }

  recreateStreams(): void {
    this.streams.forEach((stream, shard) => this.formerStreams.push({ shard, stream }));
    this.streams = this.streams.map(() => this.newStream());
  }

  /** What an operator decides who wants the new streams to be gone on with: the old batches are history, the epoch goes on. */
  adoptStreams(): void {
    this.streams.forEach((stream, shard) => {
      const key = this.keyOf(shard);
      if (key === null || key.plan?.incarnation === stream.incarnation) return;
      this.bucket.put(`shard.${shard}`, { ...key, expiry: 0, plan: null, adopted: stream.incarnation });
    });
  }

  /** A plan follows the one before without gap or overlap, and only once that one is committed. */
  private planRecorded(shard: number, { plan, before }: { plan: BatchPlan; before: BatchPlan | null }): void {
    this.clickhouse.planned(shard, plan);
    const range = `shard ${shard} plans ${plan.first}-${plan.last}`;
    const expected = before === null ? 1 : before.last + 1;
    if (plan.first !== expected) this.violated(`${range} after ${expected - 1}`);
    if (before === null || this.clickhouse.batchOf(shard, before) !== null) return;
    this.violated(`${range} before ${before.first}-${before.last} is committed`);
  }

  private recallOpenPlans(): void {
    for (let shard = 0; shard < this.scenario.shards; shard += 1) {
      const plan = this.keyOf(shard)?.plan ?? null;
      if (plan !== null && this.clickhouse.batchOf(shard, plan) === null) this.clickhouse.recall(shard, plan);
    }
  }

  private newStream(): ModelStream {
    const incarnation = (BigInt(this.time.nowMs()) * 1_000_000n).toString();
    return new ModelStream({ incarnation, forgetsIdsMs: this.scenario.forgetsIdsMs });
  }

  /** Whatever is stored belongs to a cut that is still open. */
  private stored(rows: readonly UsageRow[]): void {
    const [row] = rows;
    if (row === undefined || row.cut > this.closedCut) return;
    this.violated(`batch ${row.shard}/${row.batchFirst} is stored with cut ${row.cut}, closed is ${this.closedCut}`);
  }
}
