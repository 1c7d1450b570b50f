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

/** Resolves when the stop is asked for, also when that was before the call; never rejects. */
export function stopAsked(stopping: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (stopping.aborted) done();
    else
      stopping.addEventListener(
        "abort",
        () => {
          done();
        },
        { once: true },
      );
  });
}
