/** A port for a server that will be started in a moment. */
import { randomInt } from "node:crypto";
import { probePort } from "./probe-port.ts";

/**
 * Above the ports that need rights, and below those that the system gives to outgoing connections (Linux: 32768 and up, macOS: 49152 and up): one of those may
 * be taken by any client between the look and the start.
 */
const FIRST = 10_000;
const END = 32_768;
const ATTEMPTS_MAX = 100;

export type PortRange = { readonly first: number; readonly end: number };

/** A loopback port of the range that nothing listens on; chosen at random, so that two that look at once don't find the same. Throws what the last try met. */
export async function freePort({ first, end }: PortRange = { first: FIRST, end: END }): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = randomInt(first, end);
    try {
      await probePort({ host: "127.0.0.1", port, setting: "the port" });
      return port;
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}
