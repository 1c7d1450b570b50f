/** What a seed stands for: how many take part, how large the limits are, and what goes wrong how often. Plain data, printed with a failure. */
import type { ClickHouseFaults } from "./model/click-house.ts";
import type { NetworkFaults } from "./network.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What happens once in the middle, with all writers stopped; null: nothing. */
export const DISASTERS = ["clickhouse-restored", "nats-restored", "keys-lost", "stream-recreated"] as const;
export type Disaster = (typeof DISASTERS)[number];

export type Scenario = {
  readonly shards: number;
  /** Sinks that run side by side. */
  readonly writers: number;
  /** A writer takes a predecessor of its own name for dead, as the embedded one may. With several writers that is a mistake that must do no harm. */
  readonly sameInstance: boolean;
  readonly durationMs: number;
  readonly messages: number;
  readonly producers: number;
  readonly leaseMs: number;
  readonly batchEventsMax: number;
  readonly batchWaitMs: number;
  readonly cutEveryMs: number;
  readonly clockErrorMsMax: number;
  /** Blocks after which a table forgets a token. */
  readonly windowBlocks: number;
  /** After this the streams forget a message's id. */
  readonly forgetsIdsMs: number;
  readonly redelivers: number;
  readonly network: NetworkFaults;
  readonly clickhouse: ClickHouseFaults;
  /** Probability per visit of a crash point. */
  readonly crashes: number;
  /** How often something is done to a process or a server; 0: never. */
  readonly troubleEveryMs: number;
  readonly pauseMsMax: number;
  readonly outageMsMax: number;
  readonly disaster: Disaster | null;
  /** Close to the turn of a month, so that batches end there. */
  readonly startMs: number;
};

const TURN_OF_MONTH_MS = Date.UTC(2026, 10, 1);
const MIDDLE_OF_MONTH_MS = Date.UTC(2026, 9, 14, 9, 30);

export function scenarioOf(random: SeededRandom): Scenario {
  const durationMs = random.between(3_000, 9_000);
  const calm = random.chance(0.1);
  const some = (probabilities: readonly number[]): number => (calm ? 0 : random.pick(probabilities));
  const leaseMs = random.pick([600, 1_000, 2_000]);
  const disaster = random.chance(0.25) ? random.pick(DISASTERS) : null;
  return {
    // An operator who puts back what there was does so for all shards: with two, one may have gone on meanwhile.
    shards: disaster === null || disaster === "stream-recreated" ? random.pick([1, 1, 2]) : 1,
    writers: random.pick([1, 1, 2, 2, 3]),
    sameInstance: random.chance(0.3),
    durationMs,
    messages: random.between(15, 70),
    producers: random.between(1, 3),
    leaseMs,
    batchEventsMax: random.pick([2, 5, 12, 40]),
    batchWaitMs: random.pick([5, 40, 200]),
    cutEveryMs: random.pick([700, 2_000, 60_000]),
    clockErrorMsMax: random.pick([0, 50, leaseMs, 5 * leaseMs]),
    windowBlocks: random.pick([6, 10, 20]),
    forgetsIdsMs: random.pick([200, 2_000, 60_000]),
    redelivers: some([0, 0.1, 0.5]),
    network: {
      requestLost: some([0, 0.02, 0.08]),
      answerLost: some([0, 0.02, 0.1]),
      requestLate: some([0, 0.02, 0.08]),
      lateMsMax: random.pick([100, 1_500, 6_000]),
      timeoutMs: random.pick([60, 250, 700]),
    },
    clickhouse: {
      viewThrows: some([0, 0.05, 0.25]),
      stalls: some([0, 0.05, 0.2]),
      stallMsMax: random.pick([300, 2_500]),
    },
    crashes: some([0, 0.005, 0.02, 0.06]),
    troubleEveryMs: some([0, 300, 900, 2_000]),
    pauseMsMax: random.pick([leaseMs, 4 * leaseMs]),
    outageMsMax: random.pick([100, 1_500]),
    disaster,
    startMs: random.chance(0.2) ? TURN_OF_MONTH_MS - random.below(durationMs) : MIDDLE_OF_MONTH_MS,
  };
}
