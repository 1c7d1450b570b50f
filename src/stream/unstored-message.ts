/** Why a message is not stored, or not known to be. */
import { AppError } from "../kernel/errors.ts";

export function refusedForGood(
  subject: string,
  { err_code: code, description }: { readonly err_code: number; readonly description: string },
): AppError {
  return new AppError({
    code: `JETSTREAM_${String(code)}`,
    kind: "invalid",
    message: `JetStream refused a message for ${subject}: ${description} (${String(code)})`,
  });
}

export function pastDeadline(subject: string, deadlineMs: number): AppError {
  return new AppError({
    code: "PUBLISH_DEADLINE",
    kind: "unavailable",
    message: `No acknowledgement for a message to ${subject} within ${deadlineMs} ms: it may be stored or not; publishing it again under the same id is safe`,
  });
}

export function connectionClosed(): AppError {
  return new AppError({
    code: "NATS_UNAVAILABLE",
    kind: "unavailable",
    message: "The connection to NATS was closed before the acknowledgement: the message may be stored or not",
  });
}
