/**
 * Who may log in, and as what. Passwords are kept as scrypt hashes; one that nobody has set is made up once and put into a file of the data directory that only
 * its owner reads.
 */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { sha256Hex } from "../../kernel/hash.ts";
import { makeDirectory } from "../make-directory.ts";
import type { EngineRole } from "./engine-config.ts";
import { serverError } from "./server-error.ts";

export type AccountInput = {
  readonly name: string;
  readonly role: EngineRole;
  /** Absent: the one of earlier starts, or a new one that is made up. */
  readonly password?: string | undefined;
};
export type Login = { readonly user: string; readonly role: EngineRole };
export type Accounts = {
  /** Throws AUTHENTICATION_FAILED. */
  authenticate(user: string, password: string): Promise<Login>;
};

type StoredAccount = Pick<AccountInput, "name" | "role"> & { readonly salt: string; readonly hash: string };

const AUTHENTICATION_FAILED = 516;
const KEY_BYTES = 32;
const GENERATED_BYTES = 24;
const derive = promisify<string, string, number, Buffer>(scrypt);

/** Where the made-up password of a user lies, below `<home>/clickhouse`. */
function generatedPasswordPath(directory: string, user: string): string {
  return join(directory, "passwords", encodeURIComponent(user));
}

/** The made-up password of a user, or null when there is none. */
export function readGeneratedPassword(directory: string, user: string): string | null {
  const path = generatedPasswordPath(directory, user);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : null;
}

export async function openAccounts(directory: string, wanted: readonly AccountInput[]): Promise<Accounts> {
  const path = join(directory, "users.json");
  const earlier = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as StoredAccount[]) : [];
  const accounts: StoredAccount[] = [];
  for (const account of wanted) {
    const stored = earlier.find(({ name }) => name === account.name);
    if (account.password === undefined && stored !== undefined) accounts.push({ ...stored, role: account.role });
    else accounts.push(await hashed(account, account.password ?? makePassword(directory, account.name)));
  }
  writeFileSync(`${path}.new`, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  /** Digests of logins that were right: a hash that is slow to compute is computed once, not for each request. */
  const proven = new Map<string, Login>();
  return {
    authenticate: async (user, password) => {
      const digest = sha256Hex(JSON.stringify([user, password]));
      const known = proven.get(digest);
      if (known !== undefined) return known;
      const account = accounts.find(({ name }) => name === user);
      // A user who does not exist costs the same time as a wrong password.
      const salt = account?.salt ?? "";
      const hash = await derive(password, salt, KEY_BYTES);
      if (account === undefined || !timingSafeEqual(hash, Buffer.from(account.hash, "base64"))) throw refused(user);
      const login = { user, role: account.role };
      proven.set(digest, login);
      return login;
    },
  };
}

async function hashed({ name, role }: AccountInput, password: string): Promise<StoredAccount> {
  const salt = randomBytes(16).toString("base64");
  return { name, role, salt, hash: (await derive(password, salt, KEY_BYTES)).toString("base64") };
}

/** On the disk before the hash is: a hash without its password would lock everybody out. */
function makePassword(directory: string, user: string): string {
  const password = randomBytes(GENERATED_BYTES).toString("base64url");
  makeDirectory(join(directory, "passwords"));
  writeFileSync(generatedPasswordPath(directory, user), `${password}\n`, { mode: 0o600 });
  return password;
}

/** `role=…` in the URL takes on some of a user's roles. A user here has one, so naming it changes nothing, and another one is not granted. */
export function refuseOtherRoles(roles: readonly string[], { user, role }: Login): void {
  const other = roles.find((name) => name !== role);
  if (other === undefined) return;
  throw serverError({
    code: 512,
    name: "SET_NON_GRANTED_ROLE",
    text: `Role ${other} should be granted to set as a current: ${user} has the role ${role} alone`,
  });
}

function refused(user: string): Error {
  return serverError({
    code: AUTHENTICATION_FAILED,
    name: "AUTHENTICATION_FAILED",
    text: `${user}: Authentication failed: password is incorrect, or there is no user with such name`,
  });
}
