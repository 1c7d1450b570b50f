/** The demo's own home and ports, so that it never meets a running `meterline up`. */
import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Settings } from "../../src/config/settings.ts";
import { lockDirectory, lockDirectoryWhenLeft, type DirectoryLock } from "../../src/embedded/lock-directory.ts";
import { freePorts } from "../../src/embedded/free-port.ts";
import { stopLeftNatsServer } from "../../src/embedded/nats-server.ts";

export type DemoPlace = { readonly settings: Settings; readonly home: string; readonly lock: DirectoryLock };

const LOCK = "lock";
/** Each has a lock of its own, which `meterline clickhouse` and a ClickHouse whose `up` was killed hold alone. */
const SERVERS = { nats: "NATS", clickhouse: "ClickHouse" } as const;

/**
 * Empties `<home>/demo`, once servers that a killed demo left have ended. Throws `DIRECTORY_IN_USE`, with everything left as it is, while another demo, an `up` or a
 * ClickHouse of either runs in it. `say` is told what is waited for.
 */
export async function prepareDemoPlace(settings: Settings, say: (line: string) => void): Promise<DemoPlace> {
  const home = join(resolve(settings.home), "demo");
  const lock = lockDirectory({ directory: home, owner: "The demo" });
  try {
    await emptyHome(home, say);
  } catch (error) {
    lock.release();
    throw error;
  }
  const [natsPort, clickhousePort] = await freePorts();
  return {
    home,
    lock,
    settings: {
      ...settings,
      home,
      natsPort,
      clickhousePort,
      // It ends before anybody could look.
      httpPort: 0,
      natsUrl: undefined,
      clickhouseUrl: undefined,
      logLevel: settings.logLevel === "info" ? "warn" : settings.logLevel,
    },
  };
}

/** All locks are taken before anything is removed, and held until it is: nothing can start in between. */
async function emptyHome(home: string, say: (line: string) => void): Promise<void> {
  const held: DirectoryLock[] = [];
  try {
    for (const [name, owner] of Object.entries(SERVERS)) {
      const onWait = (pid: number): void => {
        say(`waiting for process ${pid}, the ${owner} that an earlier run left and that is ending`);
      };
      held.push(await lockDirectoryWhenLeft({ directory: join(home, name), owner, onWait }));
    }
    const stopped = await stopLeftNatsServer(home);
    if (stopped !== undefined) say(`stopped nats-server ${stopped}, which an earlier run had left behind`);
    removeAllBut([LOCK, ...Object.keys(SERVERS)], home);
    for (const name of Object.keys(SERVERS)) removeAllBut([LOCK], join(home, name));
  } finally {
    for (const lock of held) lock.release();
  }
}

function removeAllBut(kept: readonly string[], directory: string): void {
  for (const entry of readdirSync(directory)) {
    if (!kept.includes(entry)) rmSync(join(directory, entry), { recursive: true, force: true });
  }
}
