/**
 * Where the nats-server binary is. A release of 2.12 or later comes first, wherever it is found, because older ones may lose acknowledged messages in a power cut
 * (2.9 has no `sync_interval` at all, and Meterline's "nothing lost" begins with the acknowledgement).
 */
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { AppError } from "../kernel/errors.ts";

const TOOLS_BINARY = resolve(import.meta.dirname, "../../.tools/bin/nats-server");
/** Debian keeps servers in sbin, which is not on everybody's PATH. */
const EXTRA_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
const VERSION_TIMEOUT_MS = 10_000;
const VERSION_WANTED = [2, 12] as const;

export type NatsBinary = { readonly path: string; readonly version: string };

/** The newest enough binary in the order PATH, `.tools`; else the first older one. Throws `NATS_SERVER_MISSING`. */
export async function findNatsServer(path = process.env["PATH"] ?? ""): Promise<NatsBinary> {
  const onPath = [...path.split(delimiter).filter((entry) => entry !== ""), ...EXTRA_DIRECTORIES].map((entry) =>
    join(entry, "nats-server"),
  );
  let older: NatsBinary | undefined;
  for (const candidate of new Set([...onPath, TOOLS_BINARY])) {
    const binary = await inspectNatsBinary(candidate);
    if (binary === undefined) continue;
    if (isWanted(binary.version)) return binary;
    older ??= binary;
  }
  if (older !== undefined) return older;
  throw new AppError({
    code: "NATS_SERVER_MISSING",
    kind: "settings",
    message:
      "No nats-server was found on PATH or under .tools/. Run `sh bin/bootstrap`, which fetches one, install nats-server 2.12 or later, " +
      "or set METERLINE_NATS_URL to a running server.",
  });
}

/** The version that the binary itself reports; undefined when there is none at that path or it cannot be run. */
export async function inspectNatsBinary(path: string): Promise<NatsBinary | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: VERSION_TIMEOUT_MS });
    const version = /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
    return version === undefined ? undefined : { path, version };
  } catch {
    return undefined;
  }
}

function isWanted(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > VERSION_WANTED[0] || (major === VERSION_WANTED[0] && minor >= VERSION_WANTED[1]);
}
