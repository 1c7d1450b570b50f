/** What a failed run says: the problems, what its seed stands for, and the command that shows it step by step. */
import type { Run } from "./simulate.ts";

const PROBLEMS_SHOWN = 6;
const TRACE_SHOWN = 40;

export function describeFailure({ seed, problems, scenario, trace }: Run): string {
  const more = problems.length > PROBLEMS_SHOWN ? [`… and ${problems.length - PROBLEMS_SHOWN} more`] : [];
  return [
    `seed ${seed} failed:`,
    ...problems.slice(0, PROBLEMS_SHOWN).map((problem) => `  ${problem}`),
    ...more,
    `scenario: ${JSON.stringify(scenario)}`,
    ...trace.slice(-TRACE_SHOWN),
    `alone, with every step: node test/simulation/run.ts --seed ${seed}`,
  ].join("\n");
}
