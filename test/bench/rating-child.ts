/** A rating run in a process of its own, which can be killed and measured. Argument: JSON of `RatingChildInput`. Lines of JSON: `RatingChildNote`. */
import { writeSync } from "node:fs";
import { ratePeriod } from "../../src/app/rating/rate-period.ts";
import { createContext } from "../../cmd/context.ts";
import { openServices } from "../../cmd/services.ts";
import { loadSettings } from "../../src/config/settings.ts";
import type { BenchAddresses } from "./bench-child.ts";
import { peakBytes } from "./process-use.ts";

export type RatingChildInput = BenchAddresses & {
  readonly period: string;
  readonly resume: boolean;
};
/** While it goes on, and at the end. */
export type RatingChildNote =
  | { readonly type: "progress"; readonly lines: number; readonly total: number }
  | { readonly type: "done"; readonly runId: string; readonly lines: number; readonly peakBytes: number };

const note = (value: RatingChildNote): void => {
  writeSync(1, `${JSON.stringify(value)}\n`);
};

const { period, resume, ...addresses } = JSON.parse(process.argv[2] ?? "{}") as RatingChildInput;
const settings = loadSettings({ METERLINE_HOME: addresses.home, METERLINE_LOG_LEVEL: "warn" });
const context = createContext({ settings, json: true, name: "bench rating", addresses });
const { rating } = await openServices(context);
const onProgress = (progress: { readonly lines: number; readonly total: number }): void => {
  note({ type: "progress", ...progress });
};
const { runId, lines } = await ratePeriod({ ...rating, onProgress }, { period, customers: [], resume });
note({ type: "done", runId, lines, peakBytes: peakBytes(process.pid) });
await context.close();
