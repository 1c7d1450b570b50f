/**
 * Where a running `meterline up` tells the other commands its addresses: `<home>/addresses.json`. A METERLINE_*_URL always wins over it.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../src/kernel/errors.ts";
import type { Settings } from "../src/config/settings.ts";

export type Addresses = { readonly natsUrl: string; readonly clickhouseUrl: string };

/** The addresses to connect to; throws `unavailable` when nothing is configured and nothing runs. */
export function findAddresses(settings: Settings): Addresses {
  if (settings.natsUrl !== undefined && settings.clickhouseUrl !== undefined) {
    return { natsUrl: settings.natsUrl, clickhouseUrl: settings.clickhouseUrl };
  }
  const running = readAddresses(settings.home);
  if (running === null) {
    throw new AppError({
      code: "NOTHING_RUNNING",
      kind: "unavailable",
      message: `No Meterline runs with the home ${settings.home}: start \`bin/meterline up\` in another terminal, or set METERLINE_NATS_URL and METERLINE_CLICKHOUSE_URL`,
    });
  }
  return {
    natsUrl: settings.natsUrl ?? running.natsUrl,
    clickhouseUrl: settings.clickhouseUrl ?? running.clickhouseUrl,
  };
}

/** Written whole or not at all, so that a reader never sees half of it. */
export function writeAddresses(home: string, addresses: Addresses): void {
  const path = join(home, "addresses.json");
  // A URL may hold a password.
  writeFileSync(`${path}.new`, `${JSON.stringify({ ...addresses, pid: process.pid }, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeAddresses(home: string): void {
  rmSync(join(home, "addresses.json"), { force: true });
}

function readAddresses(home: string): Addresses | null {
  let text: string;
  try {
    text = readFileSync(join(home, "addresses.json"), "utf8");
  } catch {
    return null;
  }
  const { natsUrl, clickhouseUrl, pid } = JSON.parse(text) as Addresses & { readonly pid: number };
  return isAlive(pid) ? { natsUrl, clickhouseUrl } : null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
