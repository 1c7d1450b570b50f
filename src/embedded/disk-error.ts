/** Errors of the file system that a person has to solve, in words that name the place; everything else stays as it is. */
import { AppError } from "../kernel/errors.ts";

export function diskError(error: unknown, path: string): AppError | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AppError({
      code: "DISK_FULL",
      kind: "unavailable",
      message: `The disk of ${path} is full. Free some space there, or point METERLINE_HOME to another disk.`,
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EROFS" || code === "EPERM") {
    return new AppError({
      code: "DIRECTORY_NOT_WRITABLE",
      kind: "settings",
      message: `${path} cannot be written (${code}). Change its owner, or point METERLINE_HOME to a directory of yours.`,
      cause: error,
    });
  }
  if (code === "EEXIST" || code === "ENOTDIR") {
    return new AppError({
      code: "NOT_A_DIRECTORY",
      kind: "settings",
      message: `${path} cannot be a directory: there is a file of that name, or in place of one above it. Point METERLINE_HOME elsewhere.`,
      cause: error,
    });
  }
  return undefined;
}
