/**
 * What a failure of NATS means for the caller, decided by error class and JetStream code. What cannot be classified counts as `unavailable`
 * only where the connection itself failed; a refusal by the server is `broken` unless it is listed here.
 */
import { JetStreamApiError, JetStreamError } from "@nats-io/jetstream";
import {
  AuthorizationError,
  ClosedConnectionError,
  ConnectionError,
  DrainingConnectionError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import { AppError } from "../kernel/errors.ts";

/** JetStream API codes after which the same call may succeed. */
const UNAVAILABLE_API_CODES = new Set([
  10008, // cluster not available
  10023, // insufficient resources
  10047, // insufficient storage
  10076, // JetStream not enabled: the server switches it off when a write fails for want of space
  10077, // maximum bytes exceeded: discard new, somebody has to make room
]);
/** "wrong last sequence", for the stream and for a subject: somebody else was first. */
const WRONG_LAST_SEQUENCE_CODES: ReadonlySet<number> = new Set([10071, 10164]);

export function classifyNatsError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof JetStreamApiError) {
    const kind = UNAVAILABLE_API_CODES.has(error.code)
      ? "unavailable"
      : WRONG_LAST_SEQUENCE_CODES.has(error.code)
        ? "conflict"
        : "broken";
    return new AppError({
      code: `JETSTREAM_${error.code}`,
      kind,
      message: `JetStream refused while ${doing}: ${text} (${error.code})`,
      cause: error,
    });
  }
  if (
    error instanceof AuthorizationError ||
    error instanceof PermissionViolationError ||
    error instanceof UserAuthenticationExpiredError
  ) {
    return new AppError({
      code: "NATS_NOT_AUTHORIZED",
      kind: "settings",
      message: `NATS refused while ${doing}: ${text}`,
      cause: error,
    });
  }
  if (isConnectionFailure(error)) {
    return new AppError({
      code: "NATS_UNAVAILABLE",
      kind: "unavailable",
      message: `NATS did not answer while ${doing}: ${text}`,
      cause: error,
    });
  }
  return new AppError({
    code: "NATS_FAILED",
    kind: "broken",
    message: `NATS failed while ${doing}: ${text}`,
    cause: error,
  });
}

/** True when JetStream says that the expected last sequence was not the last one. */
export function isWrongLastSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE_CODES.has(error.code);
}

function isConnectionFailure(error: unknown): boolean {
  // A server that is coming up, or has switched JetStream off, answers as one that never had it. The client does not export the class.
  if (error instanceof Error && error.name === "JetStreamNotEnabled") return true;
  if (error instanceof JetStreamError || error instanceof RequestError) return true;
  if (
    error instanceof ClosedConnectionError ||
    error instanceof ConnectionError ||
    error instanceof DrainingConnectionError
  )
    return true;
  return error instanceof TimeoutError || error instanceof NoRespondersError;
}
