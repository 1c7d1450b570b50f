/** SIGINT and SIGTERM as an abort signal: the first asks for a drain, the second ends the process at once. */

const FORCED_EXIT_CODE = 130;

export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(FORCED_EXIT_CODE);
    process.stderr.write("Draining; once more to stop at once.\n");
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}
