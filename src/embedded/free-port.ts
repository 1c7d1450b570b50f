/** Ports for servers that will be started in a moment. */
import { randomInt } from "node:crypto";
import { listenOnce } from "./probe-port.ts";

/**
 * Above the ports that need rights, and below those that the system gives to outgoing connections (Linux: 32768 and up, macOS: 49152 and up): one of those may
 * be taken by any client between the look and the start.
 */
const FIRST = 10_000;
const END = 32_768;
const ATTEMPTS_MAX = 100;
const HOST = "127.0.0.1";

export type PortRange = { readonly first: number; readonly end: number };

/** A loopback port of the range that nothing listens on; chosen at random, so that two programs that look at once hardly ever find the same. */
export async function freePort({ first, end }: PortRange): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const port = randomInt(first, end);
    if (await isFree(port)) return port;
  }
  throw new Error(`${ATTEMPTS_MAX} ports of ${HOST} from ${first} to ${end - 1} were tried, and none of them is free`);
}

/** Two that differ, for a nats-server and a ClickHouse. */
export async function freePorts(): Promise<readonly [number, number]> {
  const middle = Math.ceil((FIRST + END) / 2);
  return [await freePort({ first: FIRST, end: middle }), await freePort({ first: middle, end: END })];
}

/** Rejects with what the system says where no port would be (no loopback, no more files). */
async function isFree(port: number): Promise<boolean> {
  try {
    await listenOnce({ host: HOST, port });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
}
