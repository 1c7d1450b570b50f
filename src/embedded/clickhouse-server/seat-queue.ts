/**
 * So many queries run at a time; the others wait. The users take turns: somebody who sends a hundred queries at once does not make another one's first
 * query wait behind all of them. And one user never has all the seats, so that queries without end keep nobody else out.
 */
import { setTimeout as delay } from "node:timers/promises";
import { serverError } from "./server-error.ts";

const DRAIN_POLL_MS = 20;

export type SeatQueueInput<Seat> = {
  readonly seats: readonly Seat[];
  /** Seats that one user may have at a time. */
  readonly perUser: number;
  readonly waitingMax: number;
};

export class SeatQueue<Seat> {
  readonly #seats: number;
  readonly #perUser: number;
  readonly #waitingMax: number;
  readonly #free: Seat[];
  readonly #taken = new Map<string, number>();
  /** Who waits, by user; users in the order of their turns. */
  readonly #waiting = new Map<string, ((seat: Seat) => void)[]>();
  #waitingCount = 0;

  constructor({ seats, perUser, waitingMax }: SeatQueueInput<Seat>) {
    this.#seats = seats.length;
    this.#perUser = perUser;
    this.#waitingMax = waitingMax;
    this.#free = [...seats];
  }

  /** Throws TOO_MANY_SIMULTANEOUS_QUERIES when too many wait already. */
  async use<T>(user: string, run: (seat: Seat) => Promise<T>): Promise<T> {
    const seat = await this.#take(user);
    try {
      return await run(seat);
    } finally {
      this.#count(user, -1);
      this.#free.push(seat);
      this.#seatNext();
    }
  }

  /** Whether what runs has ended within the time. */
  async drain(graceMs: number): Promise<boolean> {
    const deadline = performance.now() + graceMs;
    while (this.#free.length < this.#seats && performance.now() < deadline) await delay(DRAIN_POLL_MS);
    return this.#free.length === this.#seats;
  }

  #take(user: string): Seat | Promise<Seat> {
    const seat = this.#mayHaveMore(user) ? this.#free.pop() : undefined;
    if (seat === undefined) return this.#wait(user);
    this.#count(user, 1);
    return seat;
  }

  #wait(user: string): Promise<Seat> {
    if (this.#waitingCount >= this.#waitingMax) {
      throw serverError({
        code: 202,
        name: "TOO_MANY_SIMULTANEOUS_QUERIES",
        text: `Too many simultaneous queries: ${this.#seats} run, at most ${this.#perUser} of one user, and ${this.#waitingCount} wait. Send fewer at a time, or again later`,
      });
    }
    this.#waitingCount += 1;
    return new Promise((resolve) => {
      const own = this.#waiting.get(user) ?? [];
      this.#waiting.set(user, [...own, resolve]);
    });
  }

  #seatNext(): void {
    const user = [...this.#waiting.keys()].find((name) => this.#mayHaveMore(name));
    const seat = user === undefined ? undefined : this.#free.pop();
    if (user === undefined || seat === undefined) return;
    const [first, ...rest] = this.#waiting.get(user) ?? [];
    // Behind the others for the next turn.
    this.#waiting.delete(user);
    if (rest.length > 0) this.#waiting.set(user, rest);
    this.#waitingCount -= 1;
    this.#count(user, 1);
    first?.(seat);
  }

  #mayHaveMore(user: string): boolean {
    return (this.#taken.get(user) ?? 0) < this.#perUser;
  }

  #count(user: string, change: 1 | -1): void {
    const taken = (this.#taken.get(user) ?? 0) + change;
    if (taken === 0) this.#taken.delete(user);
    else this.#taken.set(user, taken);
  }
}
