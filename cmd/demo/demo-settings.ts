/** The demo's own home and ports, so that it never meets a running `meterline up`. */
import { readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import type { Settings } from "../../src/config/settings.ts";
import { lockDirectory, type DirectoryLock } from "../../src/embedded/lock-directory.ts";

export type DemoPlace = { readonly settings: Settings; readonly home: string; readonly lock: DirectoryLock };

const LOCK = "lock";

/** Empties `<home>/demo`; throws `DIRECTORY_IN_USE` while another demo runs in it. */
export async function prepareDemoPlace(settings: Settings): Promise<DemoPlace> {
  const home = join(resolve(settings.home), "demo");
  const lock = lockDirectory({ directory: home, owner: "The demo" });
  for (const entry of readdirSync(home)) {
    if (entry !== LOCK) rmSync(join(home, entry), { recursive: true, force: true });
  }
  const natsPort = await freePort();
  const clickhousePort = await freePort();
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

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = address !== null && typeof address === "object" ? address.port : 0;
      server.close(() => {
        done(port);
      });
    });
  });
}
