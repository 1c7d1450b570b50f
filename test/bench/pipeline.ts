/** The pipeline beside bare consumption and bare insert of the same rows, in rounds of another order each. */
import { benchMessages } from "./bench-events.ts";
import type { BenchWorld, Round } from "./bench-world.ts";
import { median } from "./median.ts";
import type { Result } from "./result.ts";

const STEPS = ["publish", "pipeline", "consume", "insert"] as const;
type Step = (typeof STEPS)[number];
const TITLES: Readonly<Record<Step, string>> = {
  publish: "publish, acknowledged",
  pipeline: "pipeline: stream to counted",
  consume: "bare consumption, AckAll",
  insert: "bare insert of the same rows",
};

export type PipelineInput = {
  readonly events: number;
  readonly eventsPerMessage: number;
  readonly rounds: number;
};

export async function pipelineResult(world: BenchWorld, input: PipelineInput): Promise<Result> {
  const rates = await measure(world, input);
  const pipeline = median(rates.pipeline);
  return {
    title: `${input.events} events, ${input.eventsPerMessage} per message`,
    ratioTitle: "pipeline ÷ this",
    rows: STEPS.map((step) => ({
      step,
      title: TITLES[step],
      rates: rates[step],
      ratio: pipeline / median(rates[step]),
    })),
    facts: {},
  };
}

/** Each round in another order; the insert needs the bytes that the pipeline made. */
function orderOf(round: number): readonly Step[] {
  return round % 2 === 0 ? ["pipeline", "consume", "insert"] : ["consume", "pipeline", "insert"];
}

async function measure(
  world: BenchWorld,
  { events, eventsPerMessage, rounds }: PipelineInput,
): Promise<Readonly<Record<Step, readonly number[]>>> {
  const rates: Record<Step, number[]> = { publish: [], pipeline: [], consume: [], insert: [] };
  for (let number = 0; number < rounds; number += 1) {
    const round: Round = { events, messages: benchMessages({ events, eventsPerMessage, round: `r${number}` }) };
    for (const step of ["publish" as const, ...orderOf(number)]) {
      const { seconds } = await world[step](round);
      rates[step].push(events / seconds);
      process.stderr.write(`round ${number + 1} of ${rounds}: ${step} ${Math.round(events / seconds)} events/s\n`);
    }
  }
  return rates;
}
