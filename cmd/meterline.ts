/** The command line: each command is loaded when it is asked for, so that `--help` is quick. */
import { Command, CommanderError } from "commander";
import { AppError, exitCodeOf } from "../src/kernel/errors.ts";
import { loadSettings, printableSettings } from "../src/config/settings.ts";
import { COMMANDS } from "./commands.ts";

const USAGE_EXIT_CODE = 64;

async function main(argv: readonly string[]): Promise<void> {
  const program = createProgram();
  if (argv.includes("--print-settings")) {
    process.stdout.write(`${JSON.stringify(printableSettings(loadSettings(process.env)), null, 2)}\n`);
    return;
  }
  const name = argv.find((word) => !word.startsWith("-"));
  const wanted = COMMANDS.filter((command) => command.name === name);
  for (const command of wanted.length > 0 ? wanted : COMMANDS) (await command.load())(program);
  await program.parseAsync([...argv], { from: "user" });
}

function createProgram(): Command {
  return new Command("meterline")
    .description(
      "Usage-based billing on NATS JetStream and ClickHouse: every event counted once, every line explained.",
    )
    .option("--json", "print the result as one JSON document on stdout")
    .option("--debug", "show the stack of an error")
    .option("--print-settings", "print all settings in force, secrets hidden, and end")
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
    .addHelpText(
      "after",
      "\nSettings come from METERLINE_* variables; exit codes: 0 ok, 1 not so, 64 usage, 65 bad data, 69 unavailable, 70 broken, 78 settings.",
    );
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  const debug = process.argv.includes("--debug");
  const text =
    error instanceof AppError ? `${error.message} [${error.code}]` : `This should not have happened: ${String(error)}`;
  process.stderr.write(`meterline: ${text}\n`);
  if (error instanceof Error && (debug || !(error instanceof AppError))) process.stderr.write(`${error.stack ?? ""}\n`);
  return exitCodeOf(error);
}

// A reader that goes away (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}
