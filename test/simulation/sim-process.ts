/**
 * A process of the simulated world: it may be killed (nothing of it ever continues, what it sent may still arrive) and paused (everything of it
 * continues later, by a clock that went on), and its clock may be wrong.
 */
import type { Clock } from "../../src/app/ports.ts";
import { NS_PER_MILLISECOND } from "../../src/kernel/instant.ts";
import type { VirtualTime } from "./virtual-time.ts";

export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  private readonly time: VirtualTime;
  private alive = true;
  private pausedUntilMs = 0;

  constructor(time: VirtualTime, name: string, clockErrorMs: number) {
    this.time = time;
    this.name = name;
    const nowMs = (): number => time.nowMs() + clockErrorMs;
    this.clock = {
      nowMs,
      now: () => BigInt(nowMs()) * NS_PER_MILLISECOND,
      sleep: (ms, signal) => this.sleep(ms, signal),
    };
  }

  get isAlive(): boolean {
    return this.alive;
  }

  kill(): void {
    this.alive = false;
  }

  pause(ms: number): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.time.nowMs() + ms);
  }

  /** Runs `action` in this process: never once it is dead, and only after a pause. */
  continueWith(action: () => void): void {
    if (!this.alive) return;
    const restMs = this.pausedUntilMs - this.time.nowMs();
    if (restMs <= 0) action();
    else {
      this.time.after(restMs, () => {
        this.continueWith(action);
      });
    }
  }

  private sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (this.alive) reject(new Error("the sleep was aborted"));
      };
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort, { once: true });
      this.time.after(ms, () => {
        this.continueWith(() => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
      });
    });
  }
}
