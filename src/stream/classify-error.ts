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

/**
 * JetStream API codes after which the same call may succeed: by itself, once a server is back, or when somebody makes room. The general ones
 * (making a consumer or a stream, updating a stream) carry what the server met while it did so; whatever is wrong with a request has a code of
 * its own. A consumer, for one, cannot be made (10012) while the files of the one before it are still being removed.
 */
const UNAVAILABLE_API_CODES: ReadonlySet<number> = new Set([
  10002, // the account's limits are used up
  10004, // incomplete results: a member of the cluster did not answer
  10007, // not assigned to this server (yet)
  10008, // cluster not available
  10009, // not the leader (any more)
  10012, // making a consumer failed: its store, usually
  10023, // insufficient resources
  10028, // insufficient memory
  10039, // JetStream not enabled for the account: how a server that is coming up may say it
  10041, // Raft
  10047, // insufficient storage
  10048, // assigning a stream
  10049, // making a stream failed: its store, usually
  10069, // updating a stream failed
  10076, // JetStream not enabled: the server switches it off when a write fails for want of space
  10077, // a message could not be stored: maximum bytes exceeded (discard new), or the disk
  10104, // a consumer's store
  10118, // a stream is offline
  10119, // a consumer is offline
  10158, // the same message id is being stored at this moment
  10163, // the last sequence of a subject is not known yet
  10167, // too many requests
  10194, // a stream is offline, with the reason
  10195, // a consumer is offline, with the reason
]);
/** "wrong last sequence", for the stream and for a subject: somebody else was first. */
const WRONG_LAST_SEQUENCE_CODES: ReadonlySet<number> = new Set([10071, 10164]);

export function classifyNatsError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof JetStreamApiError) {
    const kind = mayPass(error.code)
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

/** True for a refusal of JetStream that is waited for. */
export function mayPass(apiCode: number): boolean {
  return UNAVAILABLE_API_CODES.has(apiCode);
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
