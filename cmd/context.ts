/** What every command starts from: settings, logger, output, and connections that are opened when first asked for. */
import type { Command } from "commander";
import { connectClickHouse, type ClickHouse, type ClickHouseConfig } from "../src/clickhouse/connect.ts";
import { loadSettings, type Settings } from "../src/config/settings.ts";
import { natsLoginOf } from "../src/embedded/nats-login.ts";
import { connectNats, type Nats } from "../src/stream/connect.ts";
import { createLogger, type Logger } from "../src/telemetry/logger.ts";
import { clickhouseLogin } from "./clickhouse-login.ts";
import { findAddresses, type Addresses } from "./addresses.ts";
import { createOutput, type Output } from "./output/output.ts";

export type Context = {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly output: Output;
  readonly clickhouse: () => ClickHouse;
  /** A connection of the caller's own, for statements that may take hours. */
  readonly patientClickHouse: () => ClickHouse;
  readonly nats: () => Promise<Nats>;
  readonly close: () => Promise<void>;
};

export type ContextInput = {
  readonly settings: Settings;
  readonly json: boolean;
  readonly name: string;
  /** Where the services are; by default what the settings or the running instance say. */
  readonly addresses?: Addresses;
};

const PATIENCE_MS = 24 * 3_600_000;

/** The context of a command line: settings from the environment, `--json` from the command or the program. */
export function openContext(command: Command): Context {
  const json = command.optsWithGlobals<{ json?: boolean }>().json === true;
  return createContext({ settings: loadSettings(process.env), json, name: command.name() });
}

export function createContext(input: ContextInput): Context {
  const { settings } = input;
  const addresses = (): Addresses => input.addresses ?? findAddresses(settings);
  const clickhouseConfig = (): ClickHouseConfig => ({ url: addresses().clickhouseUrl, ...clickhouseLogin(settings) });
  let clickhouse: ClickHouse | undefined;
  let nats: Promise<Nats> | undefined;
  return {
    settings,
    logger: createLogger({ level: settings.logLevel, name: input.name, pretty: process.stderr.isTTY }),
    output: createOutput({ json: input.json }),
    clickhouse: () => {
      clickhouse ??= connectClickHouse(clickhouseConfig());
      return clickhouse;
    },
    patientClickHouse: () => connectClickHouse({ ...clickhouseConfig(), requestTimeoutMs: PATIENCE_MS }),
    nats: () => {
      // A connection that failed is not kept: the next call tries again.
      const login = settings.natsUrl === undefined ? natsLoginOf(settings.home) : null;
      const config = { url: addresses().natsUrl, name: `meterline ${input.name}`, ...(login && { login }) };
      nats ??= connectNats(config).catch((error: unknown) => {
        nats = undefined;
        throw error;
      });
      return nats;
    },
    close: async () => {
      await clickhouse?.close();
      await (await nats?.catch(() => undefined))?.close();
    },
  };
}

/** Runs a command's action with a context that is closed whatever happens. */
export async function withContext(command: Command, run: (context: Context) => Promise<void>): Promise<void> {
  const context = openContext(command);
  try {
    await run(context);
  } finally {
    await context.close();
  }
}
