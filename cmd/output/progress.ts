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
    format: `${label.padEnd(24)} {bar} {value}/{total} ${unit}`,
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
  let printedAt = Date.now();
  const print = (): void => {
    printedAt = Date.now();
    process.stderr.write(`${input.label}: ${String(done)} of ${String(total)} ${input.unit}\n`);
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
