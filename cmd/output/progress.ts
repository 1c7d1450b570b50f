/** Progress of long work on stderr: a bar on a terminal, a plain line now and then elsewhere. */
import { SingleBar } from "cli-progress";

export type Progress = {
  update(done: number, total?: number): void;
  stop(): void;
};

const PLAIN_LINE_EVERY_MS = 2_000;
/** Before that, what is done says more about the start than about the rest. */
const ESTIMATE_AFTER_MS = 5_000;
/** Less than this part of the work says nothing yet, unless it took long. */
const ESTIMATE_FROM_PERCENT = 2;
const ESTIMATE_ANYWAY_AFTER_MS = 60_000;

export type ProgressInput = {
  readonly label: string;
  readonly total: number;
  readonly unit: string;
};

export function startProgress(input: ProgressInput): Progress {
  if (process.stderr.isTTY) return bar(input);
  return plainProgress(input, { nowMs: () => Date.now(), write: (line) => process.stderr.write(line) });
}

function bar({ label, total: firstTotal, unit }: ProgressInput): Progress {
  const single = new SingleBar({
    format: `${label.padEnd(24)} {bar} {value}/{total} ${unit}{left}`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: false,
  });
  let total = firstTotal;
  const startedAt = Date.now();
  single.start(Math.max(total, 1), 0, { left: "" });
  return {
    update: (done, newTotal) => {
      total = newTotal ?? total;
      single.setTotal(Math.max(total, 1));
      single.update(done, { left: leftText({ done, total, elapsedMs: Date.now() - startedAt }) });
    },
    stop: () => {
      single.stop();
    },
  };
}

export type PlainProgressDeps = { readonly nowMs: () => number; readonly write: (line: string) => void };

/** A line is written when something was done since the last one. */
export function plainProgress(input: ProgressInput, { nowMs, write }: PlainProgressDeps): Progress {
  let { total } = input;
  let done = 0;
  let printed: string | undefined;
  const startedAt = nowMs();
  let printedAt = startedAt;
  const print = (): void => {
    const counts = `${String(done)} of ${String(total)}`;
    if (counts === printed) return;
    printed = counts;
    printedAt = nowMs();
    const left = leftText({ done, total, elapsedMs: printedAt - startedAt });
    write(`${input.label}: ${counts} ${input.unit}${left}\n`);
  };
  return {
    update: (newDone, newTotal) => {
      done = newDone;
      total = newTotal ?? total;
      if (nowMs() - printedAt >= PLAIN_LINE_EVERY_MS) print();
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
  if (done === 0 || done >= total || elapsedMs < ESTIMATE_AFTER_MS) return "";
  if (done * 100 < total * ESTIMATE_FROM_PERCENT && elapsedMs < ESTIMATE_ANYWAY_AFTER_MS) return "";
  const seconds = Math.ceil((elapsedMs * (total - done)) / done / 1_000);
  if (seconds < 60) return `, about ${String(seconds)} s left`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60
    ? `, about ${String(minutes)} min left`
    : `, about ${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min left`;
}
