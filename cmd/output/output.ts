/** Where a command's words go: results to stdout, everything else to stderr. With `--json` the result is one JSON document. */

export type Output = {
  readonly json: boolean;
  /** The result: a text for people, or the value as JSON. */
  readonly result: (input: { readonly text: string | (() => string); readonly value: unknown }) => void;
  /** A sentence about what is going on. */
  readonly say: (text: string) => void;
};

export function createOutput({ json }: { readonly json: boolean }): Output {
  return {
    json,
    result: ({ text, value }) => {
      if (json) process.stdout.write(`${JSON.stringify(value, exact, 2)}\n`);
      else process.stdout.write(`${typeof text === "string" ? text : text()}\n`);
    },
    say: (text) => process.stderr.write(`${text}\n`),
  };
}

/** JSON has no integers beyond 2^53: they go as texts. */
function exact(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
