/** Asks before something that cannot be taken back. Where nobody can answer, the flag has to say it. */
import { createInterface } from "node:readline/promises";
import { AppError } from "../../src/kernel/errors.ts";

export type ConfirmInput = {
  readonly question: string;
  /** `--yes`, or what else stands for the answer. */ readonly flag: string;
};

/** True for y or yes; throws `usage` where there is no terminal to ask on. */
export async function confirm({ question, flag }: ConfirmInput): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new AppError({
      code: "CONFIRMATION_NEEDED",
      kind: "usage",
      message: `${question} There is no terminal to ask on: say ${flag}`,
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
