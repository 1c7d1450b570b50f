/** The command line: each command is loaded when it is asked for, so that `--help` is quick and a broken one leaves the others alone. */
import { Command, CommanderError } from "commander";
import { AppError, exitCodeOf } from "../src/kernel/errors.ts";
import { loadSettings, printableSettings } from "../src/config/settings.ts";
import { COMMANDS } from "./commands.ts";

const USAGE_EXIT_CODE = 64;
const DETAILS_SHOWN = 50;

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes("--print-settings")) {
    process.stdout.write(`${JSON.stringify(printableSettings(loadSettings(process.env)), null, 2)}\n`);
    return;
  }
  const program = createProgram();
  // `meterline help rate` names the command second.
  const name = argv.filter((word) => !word.startsWith("-") && word !== "help")[0];
  for (const command of COMMANDS) {
    if (command.name === name) (await command.load())(program);
    else program.command(command.name).description(command.summary);
  }
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
      [
        "",
        "Settings come from METERLINE_* variables (--print-settings shows them).",
        "Exit codes: 0 ok, 1 not so, 64 usage, 65 bad data, 69 unavailable, 70 broken, 78 settings.",
      ].join("\n"),
    );
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  const debug = process.argv.includes("--debug");
  if (error instanceof AppError) {
    const details = detailLines(error).map((line) => `\n  - ${line}`);
    process.stderr.write(`meterline: ${error.message}${details.join("")} [${error.code}]\n`);
  } else {
    process.stderr.write(`meterline: This should not have happened: ${String(error)}\n`);
  }
  if (error instanceof Error && (debug || !(error instanceof AppError))) process.stderr.write(`${error.stack ?? ""}\n`);
  if (debug && error instanceof AppError && error.cause instanceof Error)
    process.stderr.write(`caused by ${error.cause.stack ?? error.cause.message}\n`);
  return exitCodeOf(error);
}

/** All problems at once, unless the message itself lists them. */
function detailLines({ details, message }: AppError): readonly string[] {
  const problems = details["problems"];
  if (!Array.isArray(problems)) return [];
  const missing = problems.filter((problem) => typeof problem === "string" && !message.includes(problem)) as string[];
  const more = missing.length - DETAILS_SHOWN;
  return more > 0 ? [...missing.slice(0, DETAILS_SHOWN), `and ${String(more)} more`] : missing;
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
