/** `up`: everything in one command. Servers as children, the sink for all shards here; Ctrl-C drains, a second one ends at once. */
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { loadSettings, type Settings } from "../../src/config/settings.ts";
import { lockDirectory } from "../../src/embedded/lock-directory.ts";
import { findAddresses, type Addresses } from "../addresses.ts";
import { runEverything } from "../embedded/run-everything.ts";
import { stopAsked, stopSignal } from "../stop-signal.ts";

export function registerUp(program: Command): void {
  program
    .command("up")
    .description(
      "starts NATS and ClickHouse (embedded unless URLs are set) and all roles; prints the addresses; Ctrl-C drains",
    )
    .option("--json", "print the addresses as JSON when everything runs")
    .action(async (_options: unknown, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true;
      await up({ settings: loadSettings(process.env), json });
    });
}

async function up({ settings, json }: { readonly settings: Settings; readonly json: boolean }): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const asked = stopAsked(stopSignal());
  // The servers' own locks say nothing where URLs name other servers; the home has addresses and progress in it all the same.
  const lock = lockDirectory({ directory: resolve(settings.home), owner: "Meterline" });
  try {
    await runUntilAsked({ settings, json, say, asked });
  } finally {
    lock.release();
  }
  say("Drained: everything taken is stored. Start `bin/meterline up` again to go on.");
}

type RunInput = {
  readonly settings: Settings;
  readonly json: boolean;
  readonly say: (line: string) => void;
  readonly asked: Promise<void>;
};

async function runUntilAsked({ settings, json, say, asked }: RunInput): Promise<void> {
  const everything = await runEverything({ settings, json, name: "up", log: say, biller: true });
  try {
    const addresses = findAddresses(settings);
    everything.context.output.result({
      text: welcome(settings, addresses, everything.told),
      value: { ...addresses, httpUrl: everything.httpUrl ?? null, home: resolve(settings.home) },
    });
    await Promise.race([everything.running, asked]);
  } finally {
    await everything.stop();
  }
  await everything.running;
}

function welcome(settings: Settings, addresses: Addresses, told: readonly string[]): string {
  const passwords = join(settings.home, "clickhouse", "passwords");
  const login =
    settings.clickhouseFinancePassword === "" ? `--user "finance:$(cat ${passwords}/finance)"` : "--user 'finance:…'";
  return [
    "Meterline is up.",
    ...told.map((line) => `  ${line}`),
    `  Data        ${resolve(settings.home)}`,
    "",
    "From another terminal (same METERLINE_HOME):",
    "  bin/meterline apply <directory>      catalog files: meters, customers, rate cards, contracts",
    "  bin/meterline publish <file>         NDJSON or CSV; or publish to usage.<producer> with any NATS client",
    `  curl ${login} '${addresses.clickhouseUrl}' --data 'SELECT * FROM finance.usage LIMIT 10 FORMAT PrettyCompact'`,
    "  bin/meterline rate --period 2026-10  then: invoice draft, invoice finalize, explain, verify",
    "",
    "Ctrl-C drains and stops.",
  ].join("\n");
}
