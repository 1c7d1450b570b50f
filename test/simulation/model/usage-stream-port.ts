/**
 * The sink's stream port over the model: a feed by position. What the consumer gives is only a hint; what lies before the position is dropped, and a
 * jump is read by sequence.
 */
import type { UsageStream } from "../../../src/app/ports.ts";
import type { UsageMessage } from "../../../src/domain/usage-event.ts";
import { AppError } from "../../../src/kernel/errors.ts";
import type { SimProcess } from "../sim-process.ts";
import type { World } from "../world.ts";
import type { Delivery } from "./jet-stream.ts";

type TakeInput = Parameters<UsageStream["take"]>[0];

const PULL_MAX = 40;
const POLL_MS = 60;
const RETRY_MS = 60;

export function usageStreamPort(world: World, process: SimProcess, shard: number): UsageStream {
  return new Feed(world, process, shard);
}

class Feed implements UsageStream {
  readonly shard: number;
  private readonly world: World;
  private readonly process: SimProcess;
  private readonly incarnation: string;
  private buffer: UsageMessage[] = [];
  private next = 1;
  private delivered = 0;
  private oldestAtMs = 0;

  constructor(world: World, process: SimProcess, shard: number) {
    this.world = world;
    this.process = process;
    this.shard = shard;
    this.incarnation = world.stream(shard).incarnation;
  }

  state(): ReturnType<UsageStream["state"]> {
    return this.call("reading the stream's state", () => this.world.stream(this.shard).state);
  }

  async take(input: TakeInput): Promise<readonly UsageMessage[]> {
    const { clock } = this.process;
    this.seek(input.from);
    const idleEndMs = clock.nowMs() + input.idleMs;
    while (!input.signal.aborted) {
      const full = this.buffer.length >= input.messagesMax;
      const endMs = this.buffer.length === 0 ? idleEndMs : this.oldestAtMs + input.waitMs;
      if (full || clock.nowMs() >= endMs) return this.buffer.slice(0, input.messagesMax);
      await this.fill();
    }
    return [];
  }

  async range({ first, last }: { first: number; last: number }): Promise<readonly UsageMessage[]> {
    const found = await this.call(`reading messages ${first}-${last}`, () =>
      this.world.stream(this.shard).read(first, last),
    );
    if (found !== null) return found;
    throw new AppError({ code: "STREAM_HOLE", kind: "broken", message: `messages ${first}-${last} are gone` });
  }

  ackAll(seq: number): Promise<void> {
    // Nobody waits for the answer of an ack: it may be lost like any other message.
    void this.call(`acknowledging ${seq}`, () => {
      this.world.acknowledged(this.shard, seq);
    }).catch(() => undefined);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private seek(from: number): void {
    if (this.world.defects.has("position-from-consumer")) return;
    if (from === this.next - this.buffer.length) return;
    const kept = this.buffer.filter(({ seq }) => seq >= from);
    this.buffer = kept[0]?.seq === from ? kept : [];
    this.next = from + this.buffer.length;
  }

  /** One step towards more messages; an outage is waited for. */
  private async fill(): Promise<void> {
    try {
      const before = this.next;
      if (this.next <= this.delivered && !this.ignoresJumps()) {
        this.push(await this.range({ first: this.next, last: Math.min(this.delivered, this.next + PULL_MAX) }));
      } else this.deliver(await this.pull());
      if (this.next === before && this.next > this.delivered) await this.process.clock.sleep(POLL_MS);
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== "unavailable") throw error;
      await this.process.clock.sleep(RETRY_MS);
    }
  }

  private pull(): Promise<Delivery> {
    return this.call("pulling", () => this.world.pull(this.shard, PULL_MAX));
  }

  private deliver({ state, delivered, messages }: Delivery): void {
    if (state.incarnation !== this.incarnation || state.lastSeq < this.next - 1) {
      throw new AppError({
        code: "STREAM_WENT_BACK",
        kind: "broken",
        message: "the stream was made anew or is shorter",
      });
    }
    this.delivered = Math.max(this.delivered, delivered);
    this.push(messages);
    const newest = messages.at(-1);
    if (newest !== undefined && this.world.defects.has("ack-before-commit")) void this.ackAll(newest.seq);
  }

  private push(messages: readonly UsageMessage[]): void {
    for (const message of messages) {
      if (this.ignoresJumps() ? message.seq < this.next : message.seq !== this.next) continue;
      if (this.buffer.length === 0) this.oldestAtMs = this.process.clock.nowMs();
      this.buffer.push(message);
      this.next = message.seq + 1;
    }
  }

  private ignoresJumps(): boolean {
    return this.world.defects.has("position-from-consumer") || this.world.defects.has("messages-lost-on-restart");
  }

  private call<T>(doing: string, serve: () => T): Promise<T> {
    const { network, natsServer } = this.world;
    return network.call<T>({
      process: this.process,
      server: natsServer,
      doing: `${doing} (shard ${this.shard})`,
      serve: (answer) => {
        answer({ value: serve() });
      },
    });
  }
}
