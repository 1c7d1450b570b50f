/** Tells every event's fate once, and keeps the counts. */
import type { AppError } from "../kernel/errors.ts";
import type { StoredAt } from "../stream/publisher.ts";
import type { PackedMessage } from "./event-packer.ts";
import type { EventFate, ProducerCounts, ProducerOptions } from "./producer-types.ts";

const PROGRESS_MS = 1_000;

type Hooks = Pick<ProducerOptions, "onFate" | "onProgress">;

export class FateBook {
  readonly #hooks: Hooks;
  readonly #sums = {
    accepted: 0,
    replayed: 0,
    acked: 0,
    duplicate: 0,
    failed: 0,
    spooled: 0,
    underWay: 0,
    messages: 0,
    repeatedMessages: 0,
  };
  #reportedMs = performance.now();

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
  }

  counts(): ProducerCounts {
    return { ...this.#sums };
  }

  underWay(): number {
    return this.#sums.underWay;
  }

  accept(events: number): void {
    this.#sums.accepted += events;
    this.#sums.underWay += events;
  }

  replay(events: number): void {
    this.#sums.replayed += events;
    this.accept(events);
  }

  stored(message: PackedMessage, { stream, seq, duplicate }: StoredAt): void {
    const outcome = duplicate ? "duplicate" : "acked";
    this.#sums.messages += 1;
    if (duplicate) this.#sums.repeatedMessages += 1;
    this.#settle(message, outcome, (source, id, position) => ({ source, id, outcome, stream, seq, position }));
  }

  failed(message: PackedMessage, error: AppError): void {
    this.#settle(message, "failed", (source, id) => ({ source, id, outcome: "failed", error }));
  }

  spooled(message: PackedMessage): void {
    this.#settle(message, "spooled", (source, id) => ({ source, id, outcome: "spooled" }));
  }

  report(): void {
    this.#reportedMs = performance.now();
    tell((counts) => this.#hooks.onProgress?.(counts), this.counts());
  }

  #settle(
    { source, ids, events }: PackedMessage,
    outcome: EventFate["outcome"],
    fateOf: (source: string, id: string, position: number) => EventFate,
  ): void {
    this.#sums[outcome] += events;
    this.#sums.underWay -= events;
    const { onFate, onProgress } = this.#hooks;
    if (onFate !== undefined) ids.forEach((id, position) => tell(onFate, fateOf(source, id, position)));
    if (onProgress !== undefined && performance.now() - this.#reportedMs >= PROGRESS_MS) this.report();
  }
}

/** A hook that throws keeps no other event from its fate; the program meets its exception as an uncaught one. */
function tell<Told>(hook: (told: Told) => void, told: Told): void {
  try {
    hook(told);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
