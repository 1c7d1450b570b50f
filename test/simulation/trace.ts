/** What happened in a run, line by line with the virtual time; costs nothing unless somebody reads it. */
export type Trace = (line: () => string) => void;

export type KeptTrace = { readonly trace: Trace; readonly lines: readonly string[] };

export const NO_TRACE: Trace = () => undefined;

/** Keeps the last `linesMax` lines. */
export function keepTrace(nowMs: () => number, linesMax: number): KeptTrace {
  const lines: string[] = [];
  return {
    lines,
    trace: (line) => {
      lines.push(`${(nowMs() / 1_000).toFixed(3).slice(-9)} ${line()}`);
      if (lines.length > linesMax) lines.shift();
    },
  };
}
