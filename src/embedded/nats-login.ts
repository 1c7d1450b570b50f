/** Meterline's own user at the embedded NATS. Its password is made up once and lies in a file that only its owner reads. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export type NatsLogin = { readonly user: string; readonly password: string };

const USER = "meterline";
const BYTES = 24;

export function natsDirectory(home: string): string {
  return resolve(home, "nats");
}

/** How commands log in to the embedded server of a home; null when there has never been one. */
export function natsLoginOf(home: string): NatsLogin | null {
  const path = passwordPath(natsDirectory(home));
  return existsSync(path) ? { user: USER, password: readFileSync(path, "utf8").trim() } : null;
}

/** The login of earlier starts or a new one. Written whole or not at all: half a password would not be the one that the server was told. */
export function openNatsLogin(directory: string): NatsLogin {
  const path = passwordPath(directory);
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, `${randomBytes(BYTES).toString("base64url")}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return { user: USER, password: readFileSync(path, "utf8").trim() };
}

function passwordPath(directory: string): string {
  return join(directory, "password");
}
