/**
 * The way between a process and a server. Every call is a point at which everything else may happen first. A request may be lost, its answer
 * may be lost, and it may arrive after its sender has given up or died: the caller sees the same failure each time and cannot tell which.
 */
import { AppError } from "../../src/kernel/errors.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimProcess } from "./sim-process.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Probabilities per call. */
export type NetworkFaults = {
  readonly requestLost: number;
  readonly answerLost: number;
  /** The request arrives late: after its sender was told that it failed. */
  readonly requestLate: number;
  readonly lateMsMax: number;
  /** How long a request under way takes to be given up. */
  readonly timeoutMs: number;
};

export const NO_NETWORK_FAULTS: NetworkFaults = {
  requestLost: 0,
  answerLost: 0,
  requestLate: 0,
  lateMsMax: 0,
  timeoutMs: 400,
};

/** A request that arrived is waited for so many times as long as one that did not. */
const ANSWER_TIMEOUTS = 2;

export type Reply<T> = { readonly value: T } | { readonly error: AppError };

export type CallInput<T> = {
  readonly process: SimProcess;
  readonly server: SimServer;
  /** For the trace. */
  readonly doing: string;
  /** What the server does when the request arrives; it may answer later, or never when it dies meanwhile. */
  readonly serve: (answer: (reply: Reply<T>) => void) => void;
  /** Asked when the request leaves for a question that is put when it arrives: true drops it, because no connection holds it for that long. */
  readonly expires?: () => () => boolean;
};

/** A server as the network sees it. Whatever it was doing ends when it is killed. */
export class SimServer {
  readonly name: string;
  private lives = 1;
  private up = true;

  constructor(name: string) {
    this.name = name;
  }

  get isUp(): boolean {
    return this.up;
  }

  /** Tells work of this life from work of one before. */
  get life(): number {
    return this.lives;
  }

  kill(): void {
    this.up = false;
    this.lives += 1;
  }

  start(): void {
    this.up = true;
  }
}

export class Network {
  faults: NetworkFaults;
  private readonly time: VirtualTime;
  private readonly random: SeededRandom;
  private readonly trace: Trace;

  constructor(world: { readonly time: VirtualTime; readonly random: SeededRandom; readonly trace: Trace }) {
    this.time = world.time;
    this.random = world.random.fork();
    this.trace = world.trace;
    this.faults = NO_NETWORK_FAULTS;
  }

  call<T>(input: CallInput<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { process, doing } = input;
      let settled = false;
      const settle = (reply: Reply<T>): void => {
        if (settled) return;
        settled = true;
        process.continueWith(() => {
          if ("error" in reply) reject(reply.error);
          else resolve(reply.value);
        });
      };
      // A call that a paused process would make is made when it goes on; one of a dead process, never.
      process.continueWith(() => {
        this.trace(() => `${process.name} → ${doing}`);
        this.send(input, settle);
      });
    });
  }

  private send<T>(input: CallInput<T>, settle: (reply: Reply<T>) => void): void {
    const { faults, random, time } = this;
    const giveUp = (why: string): void => {
      this.trace(() => `${input.process.name} × ${input.doing} (${why})`);
      settle({ error: unavailable(input) });
    };
    if (random.chance(faults.requestLost)) {
      time.after(faults.timeoutMs, () => {
        giveUp("request lost");
      });
      return;
    }
    const late = random.chance(faults.requestLate);
    const lateMs = faults.timeoutMs + random.below(faults.lateMsMax + 1);
    if (late) {
      time.after(faults.timeoutMs, () => {
        giveUp("request late");
      });
    }
    const answerLost = random.chance(faults.answerLost);
    const isExpired = input.expires?.();
    const { life } = input.server;
    time.after(late ? lateMs : random.between(1, 4), () => {
      if (late && isExpired?.() === true) return;
      // What was on its way to a server that died meanwhile died with the connection.
      if (input.server.life !== life) {
        if (!late) settle({ error: unavailable(input) });
        return;
      }
      this.arrive(input, (reply) => {
        if (!answerLost)
          time.after(random.between(1, 4), () => {
            settle(reply);
          });
        else {
          time.after(faults.timeoutMs, () => {
            giveUp("answer lost");
          });
        }
      });
    });
  }

  private arrive<T>(input: CallInput<T>, answer: (reply: Reply<T>) => void): void {
    const { server } = input;
    if (!server.isUp) {
      answer({ error: unavailable(input) });
      return;
    }
    const { life } = server;
    let answered = false;
    const answerOnce = (reply: Reply<T>): void => {
      if (answered) return;
      answered = true;
      answer(server.life === life ? reply : { error: unavailable(input) });
    };
    input.serve(answerOnce);
    // Whoever waits for an answer gives up some time; what the server is doing goes on all the same.
    if (!answered) {
      this.time.after(ANSWER_TIMEOUTS * this.faults.timeoutMs, () => {
        answerOnce({ error: unavailable(input) });
      });
    }
  }
}

function unavailable({ server, doing }: Pick<CallInput<unknown>, "server" | "doing">): AppError {
  return new AppError({
    code: `${server.name.toUpperCase()}_UNAVAILABLE`,
    kind: "unavailable",
    message: `${server.name} did not answer while ${doing}`,
  });
}
