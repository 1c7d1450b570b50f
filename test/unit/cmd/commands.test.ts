import { Command } from "commander";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { COMMANDS } from "../../../cmd/commands.ts";

beforeEach(() => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());

async function loaded(entry: (typeof COMMANDS)[number]): Promise<Command> {
  const program = new Command().exitOverride();
  (await entry.load())(program);
  return program;
}

/** The words of every command that can be run, `invoice draft` as well as `rate`. */
function runnable(command: Command, words: readonly string[]): (readonly string[])[] {
  if (command.commands.length === 0) return [words];
  return command.commands.flatMap((child) => runnable(child, [...words, child.name()]));
}

// Guarantee: no command ends the process by itself on a slip of the pen: main gives it the exit code for usage, 64.
it.each(COMMANDS.map((entry) => [entry.name, entry] as const))(
  "%s throws on a command line that it cannot read",
  async (_name, entry) => {
    const all = runnable(await loaded(entry), []);
    expect(all.length).toBeGreaterThan(0);
    for (const words of all) {
      const parsed = (await loaded(entry)).parseAsync([...words, "--prcie", "x"], { from: "user" });
      // What is required and missing is told first.
      const code = expect.stringMatching(/^commander\.(unknownOption|missingMandatoryOptionValue)$/) as string;
      await expect(parsed).rejects.toMatchObject({ name: "CommanderError", code });
    }
  },
);
