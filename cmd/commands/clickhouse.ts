/** `clickhouse`: the embedded ClickHouse alone, as a role. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { startClickHouseServer } from "../../src/embedded/clickhouse-server.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { clickhouseServerSettings } from "../clickhouse-login.ts";
import { openContext } from "../context.ts";
import { stopAsked, stopSignal } from "../stop-signal.ts";

export function registerClickHouse(program: Command): void {
  program
    .command("clickhouse")
    .description("the embedded ClickHouse alone, on METERLINE_CLICKHOUSE_PORT")
    .action(async (_options: unknown, command: Command) => {
      const { settings, output } = openContext(command);
      const stopping = stopSignal();
      const server = await startClickHouseServer({
        ...clickhouseServerSettings(settings),
        home: resolve(settings.home),
        host: "127.0.0.1",
        log: output.say,
      });
      output.result({
        text: `ClickHouse answers at ${server.url}. Ctrl-C stops it.`,
        value: { clickhouseUrl: server.url },
      });
      const reason = await Promise.race([
        stopAsked(stopping).then(() => "asked" as const),
        server.exited.then(() => "ended" as const),
      ]);
      if (reason === "ended")
        throw new AppError({
          code: "SERVER_ENDED",
          kind: "unavailable",
          message: "The embedded ClickHouse ended by itself: see its log",
        });
      await server.stop();
    });
}
