/**
 * So many queries run at a time; the others wait. The users take turns: somebody who sends a hundred queries at once does not make another one's first
 * query wait behind all of them.
 */
import { setTimeout as delay } from "node:timers/promises";
import { serverError } from "./server-error.ts";

const DRAIN_POLL_MS = 20;

export class SeatQueue<Seat> {
  readonly #seats: number;
  readonly #free: Seat[];
  readonly #waitingMax: number;
  /** Who waits, by user; users in the order of their turns. */
  readonly #waiting = new Map<string, ((seat: Seat) => void)[]>();
  #waitingCount = 0;

  constructor(seats: readonly Seat[], waitingMax: number) {
    this.#seats = seats.length;
    this.#free = [...seats];
    this.#waitingMax = waitingMax;
  }

  /** Throws TOO_MANY_SIMULTANEOUS_QUERIES when too many wait already. */
  async use<T>(user: string, run: (seat: Seat) => Promise<T>): Promise<T> {
    const seat = this.#free.pop() ?? (await this.#wait(user));
    try {
      return await run(seat);
    } finally {
      this.#pass(seat);
    }
  }

  async drain(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    while (this.#free.length < this.#seats && performance.now() < deadline) await delay(DRAIN_POLL_MS);
  }

  #wait(user: string): Promise<Seat> {
    if (this.#waitingCount >= this.#waitingMax) {
      throw serverError({
        code: 202,
        name: "TOO_MANY_SIMULTANEOUS_QUERIES",
        text: `Too many simultaneous queries: ${this.#seats} run and ${this.#waitingCount} wait. Send fewer at a time, or again later`,
      });
    }
    this.#waitingCount += 1;
    return new Promise((resolve) => {
      const own = this.#waiting.get(user) ?? [];
      this.#waiting.set(user, [...own, resolve]);
    });
  }

  #pass(seat: Seat): void {
    const turn = this.#waiting.entries().next().value;
    if (turn === undefined) {
      this.#free.push(seat);
      return;
    }
    const [user, [first, ...rest]] = turn;
    // Behind the others for the next turn.
    this.#waiting.delete(user);
    if (rest.length > 0) this.#waiting.set(user, rest);
    this.#waitingCount -= 1;
    first?.(seat);
  }
}
