/**
 * Files that a person names on the command line. What the file system says about such a path is a mistake to correct, not a fault of
 * Meterline: each error names the option, the path and what to do.
 */
import { accessSync, constants, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../kernel/errors.ts";

export type NamedFile = {
  readonly path: string;
  /** Where it was named: `--cases`, `<file>`. */
  readonly option: string;
};

/** Throws `FILE_NOT_FOUND` or `FILE_UNREADABLE`. */
export function readNamedFile(file: NamedFile): Buffer {
  try {
    return readFileSync(file.path);
  } catch (cause) {
    throw readError(file, cause);
  }
}

/** For a file that is read more than once, which a pipe cannot be: its second reading would find nothing. Throws as `readNamedFile` does. */
export function requireRegularFile(file: NamedFile): void {
  let isDirectory: boolean;
  try {
    accessSync(file.path, constants.R_OK);
    const stats = statSync(file.path);
    if (stats.isFile()) return;
    isDirectory = stats.isDirectory();
  } catch (cause) {
    throw readError(file, cause);
  }
  throw isDirectory
    ? directoryError(file)
    : fileError(file, { fix: "it is read twice, so write its content into a regular file and name that" });
}

/** Throws `FILE_UNWRITABLE`. */
export function writeNamedFile(file: NamedFile, content: string): void {
  try {
    writeFileSync(file.path, content);
  } catch (cause) {
    const code = systemCode(cause);
    const unwritable = { cause, code: "FILE_UNWRITABLE" };
    if (code === "EISDIR") throw fileError(file, { ...unwritable, fix: "that is a directory: name a file in it" });
    if (code === "ENOENT" || code === "ENOTDIR") {
      const fix = `there is no directory ${dirname(file.path)}: make it, or name a file in another`;
      throw fileError(file, { ...unwritable, fix });
    }
    throw fileError(file, { ...unwritable, fix: `it cannot be written (${code}): name a file that you may write` });
  }
}

function readError(file: NamedFile, cause: unknown): AppError {
  const code = systemCode(cause);
  if (code === "EISDIR") return directoryError(file, cause);
  if (code === "ENOENT" || code === "ENOTDIR")
    return fileError(file, { cause, code: "FILE_NOT_FOUND", fix: "that file does not exist: check its path" });
  return fileError(file, { cause, fix: `it cannot be read (${code}): name a file that you may read` });
}

function directoryError(file: NamedFile, cause?: unknown): AppError {
  return fileError(file, { cause, fix: "that is a directory: name one file in it" });
}

type Mistake = { readonly fix: string; readonly code?: string; readonly cause?: unknown };

function fileError({ path, option }: NamedFile, { fix, code = "FILE_UNREADABLE", cause }: Mistake): AppError {
  const kind = code === "FILE_NOT_FOUND" ? "not_found" : "invalid";
  return new AppError({ code, kind, message: `${option} is "${path}": ${fix}`, cause });
}

/** What is no error of the system is thrown on as it is. */
function systemCode(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === undefined) throw cause;
  return code;
}
