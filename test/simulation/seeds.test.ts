/**
 * The sink's own code against model servers, with everything that can go wrong decided by seeds. A seed that fails prints the command that repeats
 * it alone. More seeds than these: `node test/simulation/run.ts --seeds N` or `--minutes M`.
 */
import { afterAll, expect, test } from "vitest";
import { CRASH_POINTS } from "../../src/app/sink/crash-points.ts";
import { describeFailure } from "./describe-failure.ts";
import { DISASTERS } from "./scenario.ts";
import { simulate } from "./simulate.ts";

const SEEDS_PER_TEST = 200;
const TESTS = 10;
const TRACE_LINES = 40;
/** Ends that the seeds must have led to; the first stands for every fence, the others for what an operator is asked for. */
const ENDS = [
  ...["SINK_FENCED", "PLAN_OUTLIVED", "CLICKHOUSE_AHEAD", "CLICKHOUSE_BEHIND", "STREAM_RECREATED"],
  "BATCH_UNFINISHED",
];

const seen = {
  visits: new Set<string>(),
  ends: new Set<string>(),
  disasters: new Set<string>(),
  copiesUsed: 0,
  seeds: 0,
};

// Guarantee: every event counts once, whatever happens to processes, servers and the network between any two steps.
test.each(Array.from({ length: TESTS }, (_, index) => 1 + index * SEEDS_PER_TEST))(
  "all is well after the seeds from %i on",
  async (from) => {
    for (let seed = from; seed < from + SEEDS_PER_TEST; seed += 1) {
      const run = await simulate({ seed });
      if (run.problems.length > 0) expect.fail(describeFailure(await simulate({ seed, traceLines: TRACE_LINES })));
      for (const point of run.visits) seen.visits.add(point);
      for (const end of run.ends) seen.ends.add(end);
      if (run.scenario.disaster !== null) seen.disasters.add(run.scenario.disaster);
      seen.copiesUsed += run.copiesUsed;
      seen.seeds += 1;
    }
  },
);

// Guarantee: the seeds above are no walk in calm weather.
afterAll(() => {
  // Seeds asked for by name see less.
  if (seen.seeds < SEEDS_PER_TEST * TESTS) return;
  expect([...seen.visits].toSorted()).toEqual([...CRASH_POINTS].toSorted());
  expect([...seen.disasters].toSorted()).toEqual([...DISASTERS].toSorted());
  expect(seen.copiesUsed).toBeGreaterThan(seen.seeds);
  expect([...seen.ends]).toEqual(expect.arrayContaining(ENDS));
});

test("the same seed gives the same run, step by step", async () => {
  const [one, other] = [
    await simulate({ seed: 7, traceLines: 10_000 }),
    await simulate({ seed: 7, traceLines: 10_000 }),
  ];
  expect(one.trace.length).toBeGreaterThan(100);
  expect(other.trace).toEqual(one.trace);
  expect((await simulate({ seed: 8, traceLines: 10_000 })).trace).not.toEqual(one.trace);
});
