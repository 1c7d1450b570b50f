/** The consumer of `naive-pipeline.ts` in a process of its own. Argument: JSON of `BenchAddresses`. A line of JSON per stored batch; SIGTERM ends it. */
import { writeSync } from "node:fs";
import { createContext } from "../../cmd/context.ts";
import { stopSignal } from "../../cmd/stop-signal.ts";
import { loadSettings } from "../../src/config/settings.ts";
import type { BenchAddresses } from "./bench-child.ts";
import { storeNaive, type NaiveNote } from "./naive-pipeline.ts";

const input = JSON.parse(process.argv[2] ?? "{}") as BenchAddresses;
const settings = loadSettings({ METERLINE_HOME: input.home, METERLINE_LOG_LEVEL: "warn" });
const context = createContext({ settings, json: true, name: "naive consumer", addresses: input });
await storeNaive(context, stopSignal(), (stored) => {
  const note: NaiveNote = { stored };
  writeSync(1, `${JSON.stringify(note)}\n`);
});
await context.close();
