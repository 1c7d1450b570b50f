/** The process's logger: pino on stderr. On a terminal the lines are for people, elsewhere for machines. */
import { pino } from "pino";

export type LogFields = Readonly<Record<string, unknown>>;
export type Logger = {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
};

export type LoggerInput = { readonly level: string; readonly name: string; readonly pretty: boolean };

export function createLogger(input: LoggerInput): Logger {
  const options = {
    level: input.level,
    base: { name: input.name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (!input.pretty) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino(options, { write: (line: string) => process.stderr.write(readable(line)) });
}

/** `12:30:05 warn  sink  shard 0 waits for ClickHouse  attempt=3` */
function readable(line: string): string {
  const { time, level, name, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const clock = String(time).slice(11, 19);
  return `${[clock, String(level).padEnd(5), String(name), String(msg), ...rest].join("  ")}\n`;
}
