/** A server that is killed, stopped and started again on the same port and directory. */
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

export async function serverControl(start: () => Promise<StartedServer>): Promise<ServerControl> {
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
