/** Errors as a ClickHouse server gives them: code, `Code: N. DB::Exception: … (NAME)`, and the HTTP status that belongs to the code. */

export class ClickHouseError extends Error {
  readonly clickhouseCode: number;

  constructor(text: string, clickhouseCode: number) {
    super(text);
    this.clickhouseCode = clickhouseCode;
  }
}

const STATUS_OF_CODE: Readonly<Record<number, number>> = {
  36: 400, // BAD_ARGUMENTS
  43: 400, // ILLEGAL_TYPE_OF_ARGUMENT
  47: 404, // UNKNOWN_IDENTIFIER
  46: 404, // UNKNOWN_FUNCTION
  53: 400, // TYPE_MISMATCH
  60: 404, // UNKNOWN_TABLE
  62: 400, // SYNTAX_ERROR
  73: 404, // UNKNOWN_FORMAT
  81: 404, // UNKNOWN_DATABASE
  115: 404, // UNKNOWN_SETTING
  117: 400, // INCORRECT_DATA
  159: 408, // TIMEOUT_EXCEEDED
  164: 400, // READONLY
  202: 503, // TOO_MANY_SIMULTANEOUS_QUERIES
  243: 507, // NOT_ENOUGH_SPACE
  516: 403, // AUTHENTICATION_FAILED
};
const CODE = /Code: (\d+)\./;
const NOT_ENOUGH_SPACE = 243;
const STD_EXCEPTION = 1001;

export function serverError(input: {
  readonly code: number;
  readonly name: string;
  readonly text: string;
}): ClickHouseError {
  return new ClickHouseError(`Code: ${input.code}. DB::Exception: ${input.text}. (${input.name})`, input.code);
}

/** Any failure as the server would say it. */
export function asServerError(error: unknown): ClickHouseError {
  if (error instanceof ClickHouseError) return error;
  if ((error as NodeJS.ErrnoException | null)?.code === "ENOSPC") {
    return serverError({
      code: NOT_ENOUGH_SPACE,
      name: "NOT_ENOUGH_SPACE",
      text: "The disk of the data directory is full: free some space",
    });
  }
  const text = error instanceof Error ? error.message : String(error);
  const start = text.search(CODE);
  if (start < 0) return serverError({ code: STD_EXCEPTION, name: "STD_EXCEPTION", text });
  return new ClickHouseError(text.slice(start), Number(CODE.exec(text)?.[1]));
}

export function statusOf(error: ClickHouseError): number {
  return STATUS_OF_CODE[error.clickhouseCode] ?? 500;
}
