/**
 * What a failure of ClickHouse means for the caller, decided by the server's error code or the socket's errno, never by message text.
 * Unknown failures are `broken`: nothing is acknowledged on a guess.
 */
import { ClickHouseError } from "@clickhouse/client";
import { AppError, type ErrorKind } from "../kernel/errors.ts";

/** Server codes after which the very same statement may succeed. */
const UNAVAILABLE_CODES: ReadonlyMap<string, string> = new Map([
  // A full disk, where it was not seen before the write.
  ["75", "CANNOT_WRITE_TO_FILE_DESCRIPTOR"],
  ["159", "TIMEOUT_EXCEEDED"],
  ["202", "TOO_MANY_SIMULTANEOUS_QUERIES"],
  ["203", "NO_FREE_CONNECTION"],
  ["209", "SOCKET_TIMEOUT"],
  ["210", "NETWORK_ERROR"],
  ["225", "NO_ZOOKEEPER"],
  ["236", "ABORTED"],
  ["241", "MEMORY_LIMIT_EXCEEDED"],
  ["242", "TABLE_IS_READ_ONLY"],
  ["243", "NOT_ENOUGH_SPACE"],
  ["252", "TOO_MANY_PARTS"],
  ["394", "QUERY_WAS_CANCELLED"],
  ["999", "KEEPER_EXCEPTION"],
]);
const SETTINGS_CODES = new Set(["192", "193", "194", "195", "516"]);
const FENCE_CODES = new Set(["395"]);

export function classifyClickHouseError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof ClickHouseError) return classifyServerError(error, doing);
  const errno = errnoOf(error);
  const text = error instanceof Error ? error.message : String(error);
  return new AppError({
    code: errno === undefined ? "CLICKHOUSE_CONNECTION_FAILED" : `CLICKHOUSE_${errno}`,
    kind: "unavailable",
    message: `ClickHouse did not answer while ${doing}: ${text || (errno ?? "connection failed")}`,
    cause: error,
  });
}

function classifyServerError(error: ClickHouseError, doing: string): AppError {
  const kind: ErrorKind = UNAVAILABLE_CODES.has(error.code)
    ? "unavailable"
    : SETTINGS_CODES.has(error.code)
      ? "settings"
      : "broken";
  const code = FENCE_CODES.has(error.code) ? "CLICKHOUSE_THROW_IF" : `CLICKHOUSE_${error.type ?? error.code}`;
  return new AppError({
    code,
    kind,
    message: `ClickHouse refused while ${doing}: ${error.message} (code ${error.code})`,
    details: { clickhouseCode: error.code },
    cause: error,
  });
}

function errnoOf(error: unknown): string | undefined {
  for (
    let current: unknown = error, depth = 0;
    current instanceof Error && depth < 5;
    current = current.cause, depth += 1
  ) {
    if ("code" in current && typeof current.code === "string") return current.code;
  }
  return undefined;
}
