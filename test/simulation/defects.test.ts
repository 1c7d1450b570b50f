/** The simulation finds mistakes: each is planted in the model or in a port, and some seed must fail with it; the same seeds are well without it. */
import { expect, test } from "vitest";
import { DEFECTS, type Defect } from "./defects.ts";
import { NO_NETWORK_FAULTS } from "./network.ts";
import type { Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";

const SEEDS_MAX = 500;

/** Mistakes that need rare company are looked for where that company is frequent. */
const GIVEN: Partial<Record<Defect, Partial<Scenario>>> = {
  "no-fence": {
    ...{ shards: 1, writers: 2, disaster: null, windowBlocks: 6, batchEventsMax: 2, batchWaitMs: 5, messages: 200 },
    ...{ leaseMs: 600, clockErrorMsMax: 0, troubleEveryMs: 200, pauseMsMax: 8_000, crashes: 0 },
    // Every other fault lets a paused writer notice before it inserts.
    ...{ network: NO_NETWORK_FAULTS, clickhouse: { viewThrows: 0, stalls: 0, stallMsMax: 0 } },
  },
  "token-without-incarnation": { disaster: "stream-recreated", batchEventsMax: 2 },
  "outlived-plan": {
    ...{ shards: 2, writers: 2, disaster: null, windowBlocks: 6, batchEventsMax: 2, batchWaitMs: 5, messages: 70 },
    clickhouse: { viewThrows: 0.25, stalls: 0.2, stallMsMax: 300 },
  },
  "commit-by-token-only": {
    ...{ shards: 2, writers: 2, disaster: null, windowBlocks: 6, batchEventsMax: 2, batchWaitMs: 5, messages: 150 },
    network: { requestLost: 0.02, answerLost: 0.2, requestLate: 0.02, lateMsMax: 1_500, timeoutMs: 700 },
  },
  "unplanned-rows-unseen": {
    ...{ shards: 1, disaster: "nats-restored", batchEventsMax: 5, crashes: 0.06, troubleEveryMs: 300 },
    clickhouse: { viewThrows: 0.25, stalls: 0.2, stallMsMax: 300 },
  },
};

test.each(Object.keys(DEFECTS) as Defect[])("finds the mistake %s", async (defect) => {
  const given = GIVEN[defect] ?? {};
  const found = await firstFailure(new Set([defect]), given);
  expect(found, `no seed up to ${SEEDS_MAX} fails although ${DEFECTS[defect]}`).not.toBeNull();
  expect((await simulate({ seed: found ?? 0, given })).problems).toEqual([]);
});

async function firstFailure(defects: ReadonlySet<Defect>, given: Partial<Scenario>): Promise<number | null> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    if ((await simulate({ seed, defects, given })).problems.length > 0) return seed;
  }
  return null;
}
