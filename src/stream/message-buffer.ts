/**
 * What was read ahead of a shard's stream: consecutive messages from a position on. Taking does not remove; asking for a later position does,
 * so that a batch that ends early (events, month) leaves the rest for the next. Bounded in bytes by whoever fills it, through `room`.
 */
import type { UsageMessage, UsageStream } from "../app/ports.ts";
import type { AppError } from "../kernel/errors.ts";

type TakeInput = Parameters<UsageStream["take"]>[0];
type Waiting = { readonly messages: number; readonly bytes: number; readonly wake: () => void };

/** What a message costs besides its body. */
const MESSAGE_OVERHEAD_BYTES = 256;
const FULL_SHARE = 0.75;

export class MessageBuffer {
  private readonly bytesMax: number;
  /** From here on nothing more is asked for; below it there is room for a request worth its way. */
  private readonly fullBytes: number;
  private messages: UsageMessage[] = [];
  private arrivedMs: number[] = [];
  private bytes = 0;
  private following = 1;
  private failure: AppError | null = null;
  private closed = false;
  private taker: Waiting | null = null;
  private filler: (() => void) | null = null;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    this.fullBytes = bytesMax * FULL_SHARE;
  }

  /** The sequence that comes after the last message. */
  get next(): number {
    return this.following;
  }

  roomBytes(): number {
    return Math.max(this.bytesMax - this.bytes, 1);
  }

  /** Resolves when there is room for more, or the buffer is closed. */
  async room(): Promise<void> {
    if (this.bytes < this.fullBytes || this.closed) return;
    await new Promise<void>((resolve) => {
      this.filler = resolve;
    });
  }

  /** Makes `from` the first message: what lies before is dropped; a position outside of the buffer empties it. */
  seek(from: number): void {
    const first = this.following - this.messages.length;
    if (from < first || from > this.following) {
      this.messages = [];
      this.arrivedMs = [];
      this.bytes = 0;
      this.following = from;
    } else if (from > first) {
      for (const message of this.messages.splice(0, from - first)) this.bytes -= sizeOf(message);
      this.arrivedMs.splice(0, from - first);
    }
    if (this.bytes < this.fullBytes) this.releaseFiller();
  }

  push(message: UsageMessage): void {
    this.messages.push(message);
    this.arrivedMs.push(performance.now());
    this.bytes += sizeOf(message);
    this.following = message.seq + 1;
    const { taker } = this;
    if (taker === null) return;
    if (
      this.messages.length === 1 ||
      this.messages.length >= taker.messages ||
      this.bytes >= taker.bytes ||
      this.bytes >= this.fullBytes
    ) {
      taker.wake();
    }
  }

  fail(error: AppError): void {
    this.failure = error;
    this.taker?.wake();
  }

  close(): void {
    this.closed = true;
    this.taker?.wake();
    this.releaseFiller();
  }

  async take(input: TakeInput): Promise<readonly UsageMessage[]> {
    const idleEndMs = performance.now() + input.idleMs;
    while (!input.signal.aborted && !this.closed) {
      if (this.failure !== null) throw this.failure;
      const oldestMs = this.arrivedMs[0];
      const untilMs = (oldestMs === undefined ? idleEndMs : oldestMs + input.waitMs) - performance.now();
      if (untilMs <= 0 || this.isEnough(input)) return this.prefix(input);
      await this.change(input, untilMs);
    }
    return [];
  }

  private isEnough(input: TakeInput): boolean {
    return this.messages.length >= input.messagesMax || this.bytes >= input.bytesMax || this.bytes >= this.fullBytes;
  }

  /** As many as the limits allow, and at least one if there is one. */
  private prefix(input: TakeInput): readonly UsageMessage[] {
    const taken: UsageMessage[] = [];
    let bytes = 0;
    for (const message of this.messages) {
      bytes += sizeOf(message);
      if (taken.length > 0 && (taken.length >= input.messagesMax || bytes > input.bytesMax)) break;
      taken.push(message);
    }
    return taken;
  }

  private async change(input: TakeInput, untilMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        input.signal.removeEventListener("abort", wake);
        this.taker = null;
        resolve();
      };
      const timer = setTimeout(wake, Math.ceil(untilMs));
      input.signal.addEventListener("abort", wake, { once: true });
      this.taker = { messages: input.messagesMax, bytes: input.bytesMax, wake };
    });
  }

  private releaseFiller(): void {
    this.filler?.();
    this.filler = null;
  }
}

function sizeOf(message: UsageMessage): number {
  return message.body.length + MESSAGE_OVERHEAD_BYTES;
}
