/** A path as people want to read it: relative where it lies below the working directory, absolute elsewhere. */
import { relative, resolve } from "node:path";

export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? resolve(path) : short;
}
