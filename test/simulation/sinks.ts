/**
 * The sinks of the simulated world, each run by something that starts it again whenever it ends, as a service manager does. What runs in them is
 * the product's own `runSink`, with the ports of the model.
 */
import type { SinkLog } from "../../src/app/ports.ts";
import { runSink, type SinkSettings } from "../../src/app/sink/run-sink.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { sinkPorts } from "./model/sink-ports.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimProcess } from "./sim-process.ts";
import type { World } from "./world.ts";

const RESTART_MS_MAX = 300;
const BATCH_BYTES_MAX = 1_000_000;
/** So few that filters are made again in the middle of a run. */
const FILTER_CAPACITY_MIN = 16;
const FILTER_COPY_EVERY = 8;
const RETRY_FIRST_MS = 10;
const RETRY_MAX_MS = 200;

export class SinkHost {
  private readonly world: World;
  private readonly name: string;
  private readonly random: SeededRandom;
  private process: SimProcess | null = null;
  private stop = new AbortController();
  private lives = 0;
  private wanted = true;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.random = world.random.fork();
  }

  get isRunning(): boolean {
    return this.process !== null;
  }

  start(): void {
    this.wanted = true;
    if (this.process !== null) return;
    const { world } = this;
    const { clockErrorMsMax } = world.scenario;
    this.lives += 1;
    const clockErrorMs = this.random.between(-clockErrorMsMax, clockErrorMsMax);
    const process = new SimProcess(world.time, `${this.name}#${this.lives}`, clockErrorMs);
    this.process = process;
    this.stop = new AbortController();
    world.trace(() => `${process.name} starts, its clock is ${clockErrorMs} ms off`);
    const log = this.logOf(process);
    const crash = (point: string): void => {
      world.visits.add(point);
      if (!process.isAlive || !this.random.chance(world.crashes)) return;
      world.trace(() => `${process.name} dies at "${point}"`);
      this.kill();
    };
    const deps = { ...sinkPorts(world, process), log, crash };
    runSink(deps, this.settings(process), this.stop.signal).then(
      () => {
        this.ended(process, null);
      },
      (error: unknown) => {
        this.ended(process, error);
      },
    );
  }

  /** Nothing of it goes on; what it has sent may still arrive. */
  kill(): void {
    if (this.process === null) return;
    const { name } = this.process;
    this.world.trace(() => `${name} is killed`);
    this.process.kill();
    this.process = null;
    this.startLater();
  }

  /** Asks it to end by itself. */
  drain(): void {
    this.stop.abort();
  }

  pause(ms: number): void {
    const { process, world } = this;
    if (process === null) return;
    world.trace(() => `${process.name} is paused for ${ms} ms`);
    process.pause(ms);
  }

  /** From now on it stays down once it has ended. */
  leave(): void {
    this.wanted = false;
  }

  private settings(process: SimProcess): SinkSettings {
    const { shards, sameInstance, leaseMs, cutEveryMs, batchEventsMax, batchWaitMs } = this.world.scenario;
    return {
      ...{ shards, leaseMs, cutEveryMs, batchEventsMax, batchWaitMs },
      holder: sameInstance ? `sink#${process.name}` : process.name,
      instance: sameInstance ? "sink" : "",
      batchBytesMax: BATCH_BYTES_MAX,
      retryFirstMs: RETRY_FIRST_MS,
      retryMaxMs: RETRY_MAX_MS,
      filterCapacityMin: FILTER_CAPACITY_MIN,
      filterCopyEvery: FILTER_COPY_EVERY,
    };
  }

  private logOf(process: SimProcess): SinkLog {
    const write = (details: object, message: string): void => {
      this.world.trace(() => `${process.name}: ${message} ${JSON.stringify(details)}`);
    };
    return {
      info: (details, message) => {
        if ("closed" in details) this.world.cutClosed(Number(details.closed));
        if ("copied" in details && details.copied !== 0) this.world.copiesUsed += 1;
        write(details, message);
      },
      warn: write,
      error: write,
    };
  }

  private ended(process: SimProcess, error: unknown): void {
    if (this.process !== process) return;
    this.process = null;
    process.kill();
    const failure = error === null ? null : failureOf(error);
    this.world.trace(() => `${process.name} ended: ${failure === null ? "drained" : failure.message}`);
    if (failure !== null) this.world.sinkFailed(failure.code, failure.message);
    this.startLater();
  }

  private startLater(): void {
    this.world.time.after(this.random.below(RESTART_MS_MAX), () => {
      if (this.wanted) this.start();
    });
  }
}

function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof AppError) return error;
  return { code: "SINK_FAILED", message: error instanceof Error ? (error.stack ?? error.message) : "nothing was said" };
}
