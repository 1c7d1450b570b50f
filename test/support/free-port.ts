/** A loopback port that stays free until the test listens on it: no outgoing connection gets one of these, and no two test files at once draw from the same ones. */
import { freePort as freePortOf } from "../../src/embedded/free-port.ts";

const FIRST = 10_000;
const PORTS_EACH = 2_500;
const WORKERS_MAX = 9;

/** Vitest numbers the workers that run at the same time from 1; without one, as in a benchmark, all of the last ports are drawn from. */
const worker = (Number(process.env["VITEST_POOL_ID"] ?? WORKERS_MAX) - 1) % WORKERS_MAX;
const first = FIRST + worker * PORTS_EACH;
/** Each port once, so that one that was given out and is not yet listened on is not given out again. */
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORTS_EACH; attempt += 1) {
    const port = await freePortOf({ first, end: first + PORTS_EACH });
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no port is left of ${String(first)} to ${String(first + PORTS_EACH - 1)}`);
}
