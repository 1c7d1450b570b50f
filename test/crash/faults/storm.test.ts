/** A short storm of all faults; `test/crash/storm.ts` runs one for as long as you like. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectCountedOnce } from "../../support/faults/expect-counted-once.ts";
import { openStorm } from "../../support/faults/storm.ts";

const SEED = 20_261_111;
const STORM_MS = 15_000;

let storm: Awaited<ReturnType<typeof openStorm>>;

beforeAll(async () => {
  storm = await openStorm(SEED);
});

afterAll(async () => {
  await storm?.stop();
});

test("every event counts once after a storm", async () => {
  const report = await storm.rage(STORM_MS);
  expect(report.messages).toBeGreaterThan(50);
  expect(Object.keys(report.faults).length).toBeGreaterThan(3);
  await expectCountedOnce({ services: storm.world.services, ledger: storm.ledger });
});
