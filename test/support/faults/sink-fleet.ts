/** Several sink processes of which some are always dying; whichever has ended is started again. */
import { endOf, startMeterline } from "../meterline-process.ts";

export type SinkFleet = {
  readonly kill: (index: number) => Promise<void>;
  /** Drains and starts it again in another environment. */
  readonly replace: (index: number, env: Readonly<Record<string, string>>) => Promise<void>;
  /** Stopped where it is, as a stalled machine would be, and woken again. */
  readonly pause: (index: number, ms: number) => Promise<void>;
  readonly drain: (index: number) => Promise<void>;
  /** Drains all; returns how many were started. */
  readonly stop: () => Promise<number>;
};

type Sink = ReturnType<typeof startMeterline>;

export function startSinkFleet(env: Readonly<Record<string, string>>, size: number): SinkFleet {
  let started = 0;
  let stopping = false;
  const start = (index: number, more: Readonly<Record<string, string>> = {}): void => {
    started += 1;
    const sink = startMeterline({ env: { ...env, ...more } }, ["sink"]);
    fleet[index] = sink;
    void sink.ended.then(() => {
      if (!stopping && fleet[index] === sink) start(index);
    });
  };
  const fleet: Sink[] = [];
  for (let index = 0; index < size; index += 1) start(index);
  const end = async (index: number, signal: NodeJS.Signals): Promise<void> => {
    const sink = fleet[index];
    sink?.signal(signal);
    if (sink !== undefined) await endOf(sink);
  };
  return {
    kill: (index) => end(index, "SIGKILL"),
    drain: (index) => end(index, "SIGTERM"),
    replace: async (index, more) => {
      const old = fleet[index];
      start(index, more);
      old?.signal("SIGTERM");
      if (old !== undefined) await endOf(old);
    },
    pause: async (index, ms) => {
      const sink = fleet[index];
      sink?.signal("SIGSTOP");
      await new Promise((done) => setTimeout(done, ms));
      sink?.signal("SIGCONT");
    },
    stop: async () => {
      stopping = true;
      for (const sink of fleet) sink.signal("SIGTERM");
      for (const sink of fleet) await endOf(sink);
      return started;
    },
  };
}
