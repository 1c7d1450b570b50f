/** `up`: everything in one command. Servers as children, the sink for all shards here; Ctrl-C drains, a second one ends at once. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { loadSettings, type Settings } from "../../src/config/settings.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { removeAddresses, writeAddresses, type Addresses } from "../addresses.ts";
import { createContext } from "../context.ts";
import { prepareServices, startEmbedded } from "../embedded/start-embedded.ts";
import { stopSignal } from "../stop-signal.ts";
import { runSinkRole } from "./sink.ts";

export function registerUp(program: Command): void {
  program
    .command("up")
    .description(
      "starts NATS and ClickHouse (embedded unless URLs are set) and all roles; prints the addresses; Ctrl-C drains",
    )
    .action(async (_options: unknown, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true;
      await up({ settings: loadSettings(process.env), json });
    });
}

async function up({ settings, json }: { readonly settings: Settings; readonly json: boolean }): Promise<void> {
  const stopping = stopSignal();
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const servers = await startEmbedded(settings, say);
  const context = createContext({ settings, json, name: "up", addresses: servers.addresses });
  const drain = new AbortController();
  stopping.addEventListener(
    "abort",
    () => {
      drain.abort();
    },
    { once: true },
  );
  const failed = servers.ended.then((name) => {
    if (stopping.aborted || drain.signal.aborted) return;
    drain.abort(serverEnded(name));
  });
  try {
    await prepareServices(context);
    writeAddresses(settings.home, servers.addresses);
    context.output.result({
      text: welcome(settings, servers.addresses, servers.told),
      value: { ...servers.addresses, home: resolve(settings.home) },
    });
    // With a NATS of its own, whose home is locked, nobody else can be the writer: a killed predecessor's lease is not waited for.
    const instance = settings.natsUrl === undefined ? `up ${resolve(settings.home)}` : "";
    await runSinkRole(context, drain.signal, { instance });
    if (drain.signal.reason instanceof AppError) throw drain.signal.reason;
    say("Drained: everything taken is stored. Start `bin/meterline up` again to go on.");
  } finally {
    removeAddresses(settings.home);
    await context.close();
    await servers.stop();
    await failed;
  }
}

function serverEnded(name: string): AppError {
  return new AppError({
    code: "SERVER_ENDED",
    kind: "unavailable",
    message: `${name} ended by itself. Nothing acknowledged is lost; look at its log below the home directory and start \`bin/meterline up\` again`,
  });
}

function welcome(settings: Settings, addresses: Addresses, told: readonly string[]): string {
  const port = new URL(addresses.clickhouseUrl).port;
  return [
    "Meterline is up.",
    ...told.map((line) => `  ${line}`),
    `  Data        ${resolve(settings.home)}`,
    "",
    "From another terminal (same METERLINE_HOME):",
    "  bin/meterline apply <directory>      catalog files: meters, customers, rate cards, contracts",
    "  bin/meterline publish <file>         NDJSON or CSV; or publish to usage.<producer> with any NATS client",
    `  curl 'http://127.0.0.1:${port}/' --data 'SELECT * FROM finance.usage LIMIT 10 FORMAT PrettyCompact'`,
    "  bin/meterline rate --period 2026-10  then: invoice draft, invoice finalize, explain, verify",
    "",
    "Ctrl-C drains and stops.",
  ].join("\n");
}
