/** The process of the embedded ClickHouse: options come as the first message of the parent, and it ends when the parent is gone. */
import { AppError } from "../../kernel/errors.ts";
import { runClickHouseServer, type ClickHouseServerOptions, type RunningClickHouseServer } from "./run-server.ts";

export type ChildMessage =
  | { readonly type: "ready"; readonly url: string; readonly version: string }
  | { readonly type: "failed"; readonly code: string; readonly kind: string; readonly message: string };

let server: RunningClickHouseServer | null = null;
let ending = false;

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  const isClosed = (await server?.stop()) ?? true;
  // An orderly exit would wait for a query that the engine cannot end; what was acknowledged outlives this signal.
  if (!isClosed) process.kill(process.pid, "SIGKILL");
  process.exit(0);
}

function tell(message: ChildMessage): void {
  process.send?.(message);
}

// The parent decides when to stop: a Ctrl-C in the terminal goes to the whole group, and the sink still needs the engine to drain.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => void end());
process.on("disconnect", () => void end());
process.once("message", (options: ClickHouseServerOptions) => {
  runClickHouseServer(options).then(
    (running) => {
      server = running;
      tell({ type: "ready", url: running.url, version: running.version });
    },
    (error: unknown) => {
      const failure =
        error instanceof AppError
          ? error
          : new AppError({ code: "ENGINE_FAILED", kind: "broken", message: String(error) });
      tell({ type: "failed", code: failure.code, kind: failure.kind, message: failure.message });
      process.disconnect();
    },
  );
});
