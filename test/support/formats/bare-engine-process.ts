/** The process of bare-engine.ts. */
import { createRequire } from "node:module";
import type { Session as ChdbSession } from "chdb";

export type BareQuestion = { readonly id: number; readonly sql: string };
export type BareAnswer = { readonly id: number } & ({ readonly text: string } | { readonly error: string });

const { Session } = createRequire(import.meta.url)("chdb") as { readonly Session: typeof ChdbSession };
const session = new Session(process.argv[2] ?? "");

process.on("message", ({ id, sql }: BareQuestion) => {
  const answer = (what: BareAnswer): void => {
    process.send?.(what);
  };
  session.queryAsync(sql, { format: "TSVRaw" }).then(
    (result) => {
      answer({ id, text: result.text() });
    },
    (error: unknown) => {
      answer({ id, error: error instanceof Error ? error.message : String(error) });
    },
  );
});
process.on("disconnect", () => {
  session.close();
  process.exit(0);
});
