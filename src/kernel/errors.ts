/**
 * The one error type of Meterline. Every failure a user can meet has a stable code and a kind; the kind decides the exit code and
 * whether anything is retried, so that no caller ever has to read a message text.
 */
export const ERROR_KINDS = {
  /** The command line is wrong. */
  usage: { exitCode: 64 },
  /** The data handed in is wrong; repeating it changes nothing. */
  invalid: { exitCode: 65 },
  /** The thing named does not exist. */
  not_found: { exitCode: 65 },
  /** Somebody else was first, or the state does not allow it. */
  conflict: { exitCode: 65 },
  /** A check that was asked for came out negative. */
  mismatch: { exitCode: 1 },
  /** A service does not answer; the same call may succeed later. */
  unavailable: { exitCode: 69 },
  /** An invariant does not hold. Nothing is acknowledged, the process ends. */
  broken: { exitCode: 70 },
  /** The settings are wrong. */
  settings: { exitCode: 78 },
} as const;

export type ErrorKind = keyof typeof ERROR_KINDS;

export type AppErrorInput = {
  readonly code: string;
  readonly kind: ErrorKind;
  /** One sentence: the field, the value and what to do about it. */
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
};

export class AppError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(input: AppErrorInput) {
    super(input.message, input.cause === undefined ? undefined : { cause: input.cause });
    this.name = "AppError";
    this.code = input.code;
    this.kind = input.kind;
    this.details = input.details ?? {};
  }
}

/** The process exit code for anything thrown; what is not an `AppError` counts as a broken invariant. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AppError ? ERROR_KINDS[error.kind].exitCode : ERROR_KINDS.broken.exitCode;
}
