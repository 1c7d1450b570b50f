/** A server that is killed, stopped and started again on the same port and directory. */
import { supervise } from "../../../cmd/embedded/supervise.ts";

export type StartedServer = {
  readonly url: string;
  readonly pid: number;
  readonly exited: Promise<unknown>;
  readonly stop: () => Promise<void>;
};

export type ServerControl = {
  readonly url: string;
  readonly pid: () => number;
  /** SIGKILL, and waits until it is gone. */
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
};

/** With `supervised`, a server that ends by itself is started again, as `up` does. */
export async function serverControl(start: () => Promise<StartedServer>, supervised = false): Promise<ServerControl> {
  if (supervised) return await supervisedControl(start);
  let server = await start();
  return {
    url: server.url,
    pid: () => server.pid,
    kill: async () => {
      process.kill(server.pid, "SIGKILL");
      await server.exited;
    },
    stop: () => server.stop(),
    start: async () => {
      server = await start();
    },
  };
}

/** Only its end is decided by the test. */
async function supervisedControl(start: () => Promise<StartedServer>): Promise<ServerControl> {
  let pid = 0;
  const supervised = await supervise({
    name: "server",
    start: async () => {
      const server = await start();
      pid = server.pid;
      return server;
    },
    log: () => undefined,
  });
  const never = (): Promise<void> => Promise.reject(new Error("a supervised server starts by itself"));
  return {
    url: supervised.server.url,
    pid: () => pid,
    kill: () => {
      process.kill(pid, "SIGKILL");
      return Promise.resolve();
    },
    stop: supervised.stop,
    start: never,
  };
}
