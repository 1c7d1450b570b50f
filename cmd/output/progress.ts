/** Progress of long work on stderr: a bar on a terminal, a plain line now and then elsewhere. */
import { SingleBar } from "cli-progress";

export type Progress = {
  update(done: number, total?: number): void;
  stop(): void;
};

const PLAIN_LINE_EVERY_MS = 2_000;

export function startProgress(input: {
  readonly label: string;
  readonly total: number;
  readonly unit: string;
}): Progress {
  return process.stderr.isTTY ? bar(input) : plain(input);
}

function bar({
  label,
  total,
  unit,
}: {
  readonly label: string;
  readonly total: number;
  readonly unit: string;
}): Progress {
  const single = new SingleBar({
    format: `${label.padEnd(24)} {bar} {value}/{total} ${unit}, {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: false,
  });
  single.start(Math.max(total, 1), 0);
  return {
    update: (done, newTotal) => {
      if (newTotal !== undefined) single.setTotal(Math.max(newTotal, 1));
      single.update(done);
    },
    stop: () => {
      single.stop();
    },
  };
}

function plain(input: { readonly label: string; readonly total: number; readonly unit: string }): Progress {
  let { total } = input;
  let done = 0;
  const startedAt = Date.now();
  let printedAt = startedAt;
  const print = (): void => {
    printedAt = Date.now();
    const left = leftText({ done, total, elapsedMs: printedAt - startedAt });
    process.stderr.write(`${input.label}: ${String(done)} of ${String(total)} ${input.unit}${left}\n`);
  };
  return {
    update: (newDone, newTotal) => {
      done = newDone;
      total = newTotal ?? total;
      if (Date.now() - printedAt >= PLAIN_LINE_EVERY_MS) print();
    },
    stop: print,
  };
}

/** Empty where there is nothing to go by. */
export function leftText({
  done,
  total,
  elapsedMs,
}: {
  readonly done: number;
  readonly total: number;
  readonly elapsedMs: number;
}): string {
  if (done === 0 || done >= total) return "";
  const seconds = Math.ceil((elapsedMs * (total - done)) / done / 1_000);
  if (seconds < 60) return `, about ${String(seconds)} s left`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60
    ? `, about ${String(minutes)} min left`
    : `, about ${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min left`;
}
