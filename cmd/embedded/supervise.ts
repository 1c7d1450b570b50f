/**
 * Keeps a server running: when it ends by itself it is started again on the same port and directory, waiting longer after each failure.
 * Clients wait for it meanwhile, so a killed server costs time and nothing else.
 */
import { setTimeout as delay } from "node:timers/promises";

export type Server = { readonly stop: () => Promise<void>; readonly exited: Promise<unknown> };

export type SuperviseInput<S extends Server> = {
  readonly name: string;
  readonly start: () => Promise<S>;
  readonly log: (line: string) => void;
};

export type Supervised<S extends Server> = {
  /** As first started; a restart has the same address. */
  readonly server: S;
  /** Rejects when the server could not be started again so many times in a row; otherwise never settles. */
  readonly failed: Promise<never>;
  readonly stop: () => Promise<void>;
};

const ATTEMPTS_MAX = 12;
const WAIT_FIRST_MS = 100;
const WAIT_MAX_MS = 10_000;

/** Rejects with what the first start says; only later ones are repeated. */
export async function supervise<S extends Server>(input: SuperviseInput<S>): Promise<Supervised<S>> {
  const server = await input.start();
  const stopping = new AbortController();
  let current: S = server;
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await current.exited;
      if (stopping.signal.aborted) return;
      input.log(`${input.name} ended by itself and is started again; what it acknowledged is safe`);
      const restarted = await startAgain(input, stopping.signal);
      if (restarted === undefined) return;
      current = restarted;
      input.log(`${input.name} is back`);
    }
  };
  const watching = watch();
  const failed = new Promise<never>((_resolve, reject) => {
    watching.catch(reject);
  });
  failed.catch(() => undefined);
  return {
    server,
    failed,
    stop: async () => {
      stopping.abort();
      await current.stop();
      // A restart under way at this moment has a server of its own.
      await watching.catch(() => undefined);
      await current.stop();
    },
  };
}

/** Undefined when the stop came first. */
async function startAgain<S extends Server>(input: SuperviseInput<S>, stopping: AbortSignal): Promise<S | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const waitMs = Math.min(WAIT_FIRST_MS * 2 ** (attempt - 1), WAIT_MAX_MS);
    await delay(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    if (stopping.aborted) return undefined;
    try {
      return await input.start();
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
      input.log(
        `${input.name} did not start (${error instanceof Error ? error.message : String(error)}); trying again`,
      );
    }
  }
}
