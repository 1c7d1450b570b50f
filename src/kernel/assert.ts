import { AppError } from "./errors.ts";

/** Throws a `broken` error unless the condition holds. For invariants, never for input. */
export function assert(
  condition: boolean,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) {
    throw new AppError({ code: "INVARIANT_BROKEN", kind: "broken", message, ...(details && { details }) });
  }
}

/** Returns the value, or throws a `broken` error when it is null or undefined. */
export function present<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} is missing`);
  return value;
}

/** Makes a switch exhaustive: unreachable in typed code. */
export function unreachable(value: never): never {
  throw new AppError({
    code: "INVARIANT_BROKEN",
    kind: "broken",
    message: `unexpected value ${JSON.stringify(value)}`,
  });
}
