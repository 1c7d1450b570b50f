/** Errors as a ClickHouse server gives them: code, `Code: N. DB::Exception: … (NAME)`, and the HTTP status that belongs to the code. */

export class ClickHouseError extends Error {
  readonly clickhouseCode: number;

  constructor(text: string, clickhouseCode: number) {
    super(text);
    this.clickhouseCode = clickhouseCode;
  }
}

/** The statuses of a server; every other code is a 500. */
const CODES_OF_STATUS: Readonly<Record<number, readonly number[]>> = {
  // What the request says is wrong: values and texts that cannot be read, syntax, columns that are not there.
  400: [
    6, 10, 15, 16, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676,
  ],
  401: [194],
  403: [192, 193, 497, 516],
  // What it names does not exist: table, function, identifier, type, engine, database, setting, format.
  404: [46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336],
  408: [159],
  411: [381],
  413: [229],
  501: [48],
  503: [76, 209, 439],
};
const STATUS_OF_CODE = new Map(
  Object.entries(CODES_OF_STATUS).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
);
const CODE = /Code: (\d+)\./;
const NOT_ENOUGH_SPACE = 243;
const STD_EXCEPTION = 1001;
/** The engine says it of our own spool file; the path is nobody's business. */
const SPOOL_FILE = /: \(in file\/uri [^)]*\)/g;
/** What the engine passes on from its own inner layers, it wraps once more. */
const REPEATED_PREFIX = /^(Code: \d+\. DB::Exception: )(?:Code: \d+\. DB::Exception: )+/;
const REPEATED_SUFFIX = /( \([A-Z_0-9]+\))(?: \(version [^)]*\)\.\1)+/;
const NO_SPACE = /No space left on device|errno: 28\b/;

export function serverError(input: {
  readonly code: number;
  readonly name: string;
  readonly text: string;
}): ClickHouseError {
  return new ClickHouseError(`Code: ${input.code}. DB::Exception: ${input.text}. (${input.name})`, input.code);
}

/** The engine knows one user; the client knows itself by another name. */
export function inNameOf(user: string, error: unknown): ClickHouseError {
  const failure = asServerError(error);
  const text = failure.message.replace(/(DB::Exception: )default(?=: Not enough privileges)/, `$1${user}`);
  return new ClickHouseError(text, failure.clickhouseCode);
}

/** Any failure as the server would say it. */
export function asServerError(error: unknown): ClickHouseError {
  if (error instanceof ClickHouseError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if ((error as NodeJS.ErrnoException | null)?.code === "ENOSPC" || NO_SPACE.test(text)) {
    return serverError({
      code: NOT_ENOUGH_SPACE,
      name: "NOT_ENOUGH_SPACE",
      text: "The disk of the data directory is full: free some space",
    });
  }
  const start = text.search(CODE);
  if (start < 0) return serverError({ code: STD_EXCEPTION, name: "STD_EXCEPTION", text });
  const said = text.slice(start).replace(SPOOL_FILE, "").replace(REPEATED_PREFIX, "$1").replace(REPEATED_SUFFIX, "$1");
  return new ClickHouseError(said, Number(CODE.exec(text)?.[1]));
}

export function statusOf(error: ClickHouseError): number {
  return STATUS_OF_CODE.get(error.clickhouseCode) ?? 500;
}
