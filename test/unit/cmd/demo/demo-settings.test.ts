import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prepareDemoPlace } from "../../../../cmd/demo/demo-settings.ts";
import { loadSettings } from "../../../../src/config/settings.ts";
import { lockDirectory } from "../../../../src/embedded/lock-directory.ts";
import { tempDir, type TempDir } from "../../../support/temp-dir.ts";

/** What an earlier demo left. */
const LEFT = ["addresses.json", "nats/jetstream/block", "clickhouse/data/part", "publish/state.json"];

let dir: TempDir;
let home = "";
beforeEach(async () => {
  dir = await tempDir("demo-place");
  home = join(dir.path, "demo");
  for (const file of LEFT) {
    mkdirSync(join(home, file, ".."), { recursive: true });
    writeFileSync(join(home, file), "kept");
  }
});
afterEach(() => dir.remove());

const prepare = () => prepareDemoPlace(loadSettings({ METERLINE_HOME: dir.path }), () => undefined);
const stillThere = () => LEFT.filter((file) => existsSync(join(home, file)));

describe("the demo's home", () => {
  // Guarantee: a demo never deletes what a running process has open, whichever of the three locks tells of it, and says what to do.
  test.each([".", "nats", "clickhouse"])("is left as it is while a process holds %s", async (name) => {
    const directory = join(home, name);
    const held = lockDirectory({ directory, owner: "Another" });
    const refused = await prepare().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "DIRECTORY_IN_USE", kind: "settings", details: { directory } });
    expect(String(refused)).toMatch(
      new RegExp(`${directory} is in use by process ${process.pid}\\. Stop that.*METERLINE_HOME`),
    );
    expect(stillThere()).toEqual(LEFT);

    held.release();
    (await prepare()).lock.release();
    expect(stillThere()).toEqual([]);
  });

  // Guarantee: a nats-server that a killed demo left writes into no later one's store, and does not stay for ever.
  test("is emptied once a nats-server that was left there has ended", async () => {
    const config = join(home, "nats", "nats-server.conf");
    const left = spawn(process.execPath, ["-e", "setInterval(() => 0, 1000)", config], { stdio: "ignore" });
    const ended = once(left, "exit");
    writeFileSync(join(home, "nats", "nats-server.pid"), String(left.pid));
    const said: string[] = [];
    const { lock } = await prepareDemoPlace(loadSettings({ METERLINE_HOME: dir.path }), (line) => said.push(line));
    expect(await ended).toEqual([null, "SIGTERM"]);
    expect(said).toEqual([`stopped nats-server ${left.pid}, which an earlier run had left behind`]);
    expect(stillThere()).toEqual([]);
    lock.release();
  });

  // Guarantee: what a killed demo left is no hindrance, and no server finds a lock that the demo forgot.
  test("is emptied but for its own lock when the processes that held it are gone", async () => {
    const gone = JSON.stringify({ pid: process.pid, startedAt: "another time" });
    for (const name of [".", "nats", "clickhouse"]) writeFileSync(join(home, name, "lock"), gone);
    const { lock } = await prepare();
    expect(new Set(readdirSync(home, { encoding: "utf8", recursive: true }))).toEqual(
      new Set(["clickhouse", "lock", "nats"]),
    );
    lock.release();
  });
});
