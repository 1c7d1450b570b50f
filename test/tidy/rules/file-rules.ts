/** Rules about single files that no linter knows. Each takes a file and names what is wrong with it. */
import type { SourceFile } from "../tracked-files.ts";

export type FileRule = (file: SourceFile) => readonly string[];

export const FILE_LINES_MAX = 350;
/** A test file may hold one long table of cases. */
const TEST_LINES_MAX = 500;

const BANNED_NAME_PARTS = new Set(["utils", "util", "helpers", "helper", "common", "misc", "manager", "mapper"]);
const CODE = /\.(ts|mjs|cjs|js)$/;
const PURE_ROOM = /^src\/(kernel|domain|metering|rating|invoicing|reconcile)\//;
const IMPURE = /\b(?:Date\.now|Math\.random|performance\.now|Temporal\.Now)\b|\bnew Date\(\)/;
// With a class of one letter, so that this file does not contain what it looks for.
const LEFTOVER = /\bTO[D]O\b|\bFIX[M]E\b|^<{7} |^>{7} /;
const TEST_SWITCH = /\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:only|skip|todo)\b/;
/** Absolute paths of one machine. `/tmp`, `/usr`, `/etc` and `/dev` mean the same everywhere. */
const MACHINE_PATH = /(?<![\w.:/])\/(?:work|home|Users|root|mnt)\/[\w.]/;
/** Hosts other than this machine's own, the reserved example names, and the public places that the docs point at. */
const HOST = /\b(?:https?|nats|tls):\/\/(?:[^\s/@"'`]*@)?([a-zA-Z0-9.-]*[a-zA-Z0-9])/g;
const LOCAL_HOST =
  /^(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|(?:.+\.)?(?:example|test|invalid)|(?:.+\.)?example\.(?:com|org|net))$/;
const PUBLIC_DOMAINS = [
  "unpkg.com",
  "github.com",
  "githubusercontent.com",
  "nats.io",
  "clickhouse.com",
  "cloudevents.io",
].concat([
  "rfc-editor.org",
  "ietf.org",
  "iana.org",
  "iso.org",
  "w3.org",
  "nodejs.org",
  "json-schema.org",
  "apache.org",
  "grafana.com",
]);
/** Service names of docker-compose.yml. */
const COMPOSE_HOST = /^(?:nats|clickhouse)(?:-?\d+)?$/;

const bannedName: FileRule = ({ path }) => {
  const parts = path.split(/[/.-]/).filter((part) => BANNED_NAME_PARTS.has(part.toLowerCase()));
  return parts.map((part) => `${path}: "${part}" says nothing; name the file after what it does`);
};

const tooLong: FileRule = ({ path, text }) => {
  const lines = text.split("\n").length - 1;
  const most = path.startsWith("test/") ? TEST_LINES_MAX : FILE_LINES_MAX;
  if (!/^(src|cmd|test)\/.*\.ts$/.test(path) || lines <= most) return [];
  return [`${path}: ${lines} lines, at most ${most}; it is probably two ideas`];
};

const impure: FileRule = (file) =>
  PURE_ROOM.test(file.path) && CODE.test(file.path)
    ? linesThatMatch(file, IMPURE, "takes time or chance from outside")
    : [];

const leftover: FileRule = (file) => [
  ...linesThatMatch(file, LEFTOVER, "is a leftover"),
  ...(CODE.test(file.path) ? linesThatMatch(file, TEST_SWITCH, "switches tests off") : []),
];

const machinePath: FileRule = (file) => linesThatMatch(file, MACHINE_PATH, "is a path of one machine");

/** The lock file's hosts are where the packages' authors ask for money; its own rule is below. */
const foreignHost: FileRule = ({ path, text }) =>
  path === "package-lock.json"
    ? []
    : [...text.matchAll(HOST)].flatMap(([, host = ""]) =>
        isKnownHost(host) ? [] : [`${path}: "${host}" is a host that others can't know`],
      );

/** A lock file names packages by their hash alone: an address would tie the clone to one registry. */
const lockedAddress: FileRule = (file) =>
  file.path === "package-lock.json" ? linesThatMatch(file, /"resolved":/, "is an address in the lock file") : [];

export const FILE_RULES: Readonly<Record<string, FileRule>> = {
  bannedName,
  tooLong,
  impure,
  leftover,
  machinePath,
  foreignHost,
  lockedAddress,
};

function isKnownHost(host: string): boolean {
  const isPublic = PUBLIC_DOMAINS.some((domain) => host === domain || host.endsWith(`.${domain}`));
  return isPublic || LOCAL_HOST.test(host) || COMPOSE_HOST.test(host);
}

function linesThatMatch({ path, text }: SourceFile, pattern: RegExp, says: string): string[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      pattern.test(line) ? [`${path}:${index + 1}: "${line.trim().slice(0, 100)}" ${says}`] : [],
    );
}
