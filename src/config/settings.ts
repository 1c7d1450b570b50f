/** Settings come from the environment alone, are checked as a whole, and never change while a process runs. */
import type { z } from "zod";
import { AppError } from "../kernel/errors.ts";
import { SETTING_FIELDS, type SettingField } from "./setting-fields.ts";

type Fields = typeof SETTING_FIELDS;
export type Settings = { readonly [Name in keyof Fields]: z.output<Fields[Name]["schema"]> };

const PREFIX = "METERLINE_";
const FIELDS: readonly (readonly [string, SettingField])[] = Object.entries(SETTING_FIELDS);

/** Reads all settings; throws one `settings` error that lists every problem with its variable, value and fix. */
export function loadSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const problems = unknownVariables(env);
  const values: Record<string, string | number | undefined> = {};
  for (const [name, field] of FIELDS) {
    const raw = env[field.variable];
    const result = field.schema.safeParse(raw === "" ? undefined : raw);
    if (result.success) values[name] = result.data;
    else
      problems.push(
        `${field.variable}=${field.secret ? "(hidden)" : (raw ?? "")}: ${result.error.issues[0]?.message ?? "is not valid"}. ${field.doc}`,
      );
  }
  const settings = values as Settings;
  if (problems.length === 0) problems.push(...contradictions(settings));
  if (problems.length > 0) {
    throw new AppError({
      code: "SETTINGS_INVALID",
      kind: "settings",
      message: `${String(problems.length)} problem(s) with the settings:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
      details: { problems },
    });
  }
  return Object.freeze(settings);
}

/** Every setting with its value in force, secrets hidden, by variable. */
export function printableSettings(settings: Settings): Readonly<Record<string, string>> {
  const values: Readonly<Record<string, string | number | undefined>> = settings;
  return Object.fromEntries(
    FIELDS.map(([name, field]) => [field.variable, printable(values[name], field.secret === true)]),
  );
}

/** Size limits of the streams, derived from the store where they are not set. */
export function streamLimits(settings: Settings): { readonly usageBytes: number; readonly journalBytes: number } {
  return {
    usageBytes: settings.usageStreamBytes ?? Math.floor((settings.natsStoreBytes * 3) / 4 / settings.shards),
    journalBytes: settings.journalStreamBytes ?? Math.floor(settings.natsStoreBytes / 8),
  };
}

function contradictions(settings: Settings): string[] {
  const problems: string[] = [];
  const { usageBytes, journalBytes } = streamLimits(settings);
  if (settings.natsUrl === undefined && usageBytes * settings.shards + journalBytes > settings.natsStoreBytes) {
    problems.push(
      "METERLINE_NATS_STORE_BYTES is smaller than the streams' limits together: raise it, or lower METERLINE_USAGE_STREAM_BYTES",
    );
  }
  if (settings.batchWaitMs * 2 > settings.leaseMs) {
    problems.push(
      "METERLINE_LEASE_MS must be at least twice METERLINE_BATCH_WAIT_MS, or a waiting writer loses its shard",
    );
  }
  return problems;
}

function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(FIELDS.map(([, field]) => field.variable));
  return Object.keys(env)
    .filter((variable) => variable.startsWith(PREFIX) && !known.has(variable))
    .map((variable) => `${variable} is not a setting; the nearest one is ${nearest(variable, [...known])}`);
}

function printable(value: string | number | undefined, secret: boolean): string {
  if (value === undefined) return "(not set)";
  if (secret) return value === "" ? "(empty)" : "(hidden)";
  return typeof value === "string" && URL.canParse(value) && value.includes("@")
    ? withoutUserinfo(value)
    : String(value);
}

function withoutUserinfo(text: string): string {
  const url = new URL(text);
  url.username = url.username === "" ? "" : "hidden";
  url.password = "";
  return url.toString();
}

function nearest(word: string, candidates: readonly string[]): string {
  return candidates.reduce(
    (best, candidate) => (editDistance(word, candidate) < editDistance(word, best) ? candidate : best),
    candidates[0] ?? "",
  );
}

/** Levenshtein distance, two rows of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
