/** The engine by itself, in a process and a directory of its own: writes the results of statements into files. Statements come as the first message. */
import { createRequire } from "node:module";
import type { Session as ChdbSession } from "chdb";

const { Session } = createRequire(import.meta.url)("chdb") as { readonly Session: typeof ChdbSession };

export type EngineTask = {
  readonly file: string;
  readonly query: string;
  readonly format: string;
  readonly settings: string;
};
export type EngineTasks = { readonly directory: string; readonly tasks: readonly EngineTask[] };
/** The engine's error, or null, in the order of the tasks; and the peak of its resident memory in bytes. */
export type EngineOutcome = { readonly errors: readonly (string | null)[]; readonly peakBytes: number };

process.once("message", ({ directory, tasks }: EngineTasks) => {
  void run(directory, tasks).then((errors) => {
    process.send?.({ errors, peakBytes: process.resourceUsage().maxRSS * 1024 } satisfies EngineOutcome);
    process.disconnect();
  });
});

async function run(directory: string, tasks: readonly EngineTask[]): Promise<readonly (string | null)[]> {
  const errors: (string | null)[] = [];
  for (const { file, query, format, settings } of tasks) {
    const session = new Session(directory, { connectionArgs: ["--implicit_select=0"] });
    const sql = `${query} INTO OUTFILE '${file}' TRUNCATE FORMAT ${format}${settings === "" ? "" : ` SETTINGS ${settings}`}`;
    const failed = await session.queryAsync(sql, { format: "TSV" }).then(
      () => null,
      (error: unknown) => String(error),
    );
    errors.push(failed);
    session.close();
  }
  return errors;
}
