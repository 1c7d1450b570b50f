/**
 * `npm run bench`: ratios of the pipeline to what stands beside it. Rounds are interleaved and medians compared, because a shared machine is
 * never twice the same; read the ratios, not the rates.
 *   npm run bench                                    the pipeline beside bare consumption and bare insert
 *   npm run bench -- R5 --identities 100000000      half of the input duplicates of old identities, beside none
 */
import { parseArgs } from "node:util";
import { startBenchWorld } from "./bench-world.ts";
import { oldDuplicatesResult } from "./old-duplicates.ts";
import { pipelineResult } from "./pipeline.ts";
import { resultJson, resultText } from "./result.ts";

const BENCHMARKS = { pipeline: pipelineResult, R5: oldDuplicatesResult } as const;
type Name = keyof typeof BENCHMARKS;
const DEFAULTS: Readonly<Record<Name, { readonly events: string; readonly rounds: string }>> = {
  pipeline: { events: "100000", rounds: "3" },
  R5: { events: "250000", rounds: "5" },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: "string" },
    "events-per-message": { type: "string", default: "10" },
    rounds: { type: "string" },
    identities: { type: "string", default: "100000000" },
    json: { type: "boolean", default: false },
  },
});
const names = positionals.length === 0 ? (["pipeline"] as const) : positionals.map(nameOf);

function nameOf(text: string): Name {
  if (text in BENCHMARKS) return text as Name;
  throw new Error(`there is no benchmark "${text}": choose of ${Object.keys(BENCHMARKS).join(", ")}`);
}

for (const name of names) {
  const world = await startBenchWorld();
  try {
    const result = await BENCHMARKS[name](world, {
      events: Number(values.events ?? DEFAULTS[name].events),
      eventsPerMessage: Number(values["events-per-message"]),
      rounds: Number(values.rounds ?? DEFAULTS[name].rounds),
      identities: Number(values.identities),
    });
    process.stdout.write(`${values.json ? resultJson(result) : resultText(result)}\n`);
  } finally {
    await world.stop();
  }
}
