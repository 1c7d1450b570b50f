/**
 * A result on its way from the engine to a response: the engine writes it INTO OUTFILE, and the file is a named pipe. So every format comes whole, as the
 * engine itself writes it to a file, in bounded memory and at the reader's pace, and nothing of it touches a disk. (The engine's own streaming blocks the event loop while a
 * query is analysed, and cuts most formats into pieces that are documents of their own; OUTFILE on a full disk reports success.)
 */
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDirectory } from "../make-directory.ts";

export type PipeDirectory = { readonly create: (name: string) => string; readonly remove: () => void };

export type ResultPipe = {
  /** The bytes as they come; ends when the engine has ended and everything is read. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Says that nobody writes any more. */
  readonly finish: () => void;
  /** Lets the engine write on into nothing: it would wait for ever on a pipe that nobody reads, where no KILL reaches it. */
  readonly discard: () => void;
};

/** Takes the given directory, empty; or one in the system's temporary directory, for file systems that hold data but no pipes. */
export function openPipeDirectory(wanted: string): PipeDirectory {
  rmSync(wanted, { recursive: true, force: true });
  makeDirectory(wanted);
  const directory = holdsPipes(wanted) ? wanted : mkdtempSync(join(tmpdir(), "meterline-pipes-"));
  return {
    create: (name) => makePipe(join(directory, name)),
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function holdsPipes(directory: string): boolean {
  try {
    makePipe(join(directory, "probe"));
    return true;
  } catch {
    return false;
  }
}

function makePipe(path: string): string {
  execFileSync("mkfifo", ["-m", "600", path], { stdio: "pipe" });
  return path;
}

/** Opens a pipe for one result. An end for writing is kept open here, because a pipe without writers would read as ended before the engine begins. */
export function openResultPipe(path: string): ResultPipe {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: reader, readable: true, writable: false });
  let finished = false;
  return {
    chunks: socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    finish: () => {
      if (!finished) closeSync(writer);
      finished = true;
    },
    discard: () => {
      socket.on("error", () => undefined).resume();
    },
  };
}
