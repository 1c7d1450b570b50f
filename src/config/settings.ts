/** Settings come from the environment alone, are checked as a whole, and never change while a process runs. */
import type { z } from "zod";
import { AppError } from "../kernel/errors.ts";
import { nearestName } from "../kernel/nearest-name.ts";
import { SETTING_FIELDS, type SettingField } from "./setting-fields.ts";

type Fields = typeof SETTING_FIELDS;
/** One thing to correct: the variable, its value with secrets hidden, and what to do. */
export type SettingProblem = { readonly variable: string; readonly value: string; readonly fix: string };
export type Settings = { readonly [Name in keyof Fields]: z.output<Fields[Name]["schema"]> };

const PREFIX = "METERLINE_";
const FIELDS: readonly (readonly [string, SettingField])[] = Object.entries(SETTING_FIELDS);

/** Reads all settings; throws one `settings` error that lists every problem with its variable, value and fix. */
export function loadSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const problems: SettingProblem[] = unknownVariables(env);
  const values: Record<string, string | number | undefined> = {};
  for (const [name, field] of FIELDS) {
    const raw = env[field.variable];
    const result = field.schema.safeParse(raw === "" ? undefined : raw);
    if (result.success) values[name] = result.data;
    else problems.push(problemOf(field, { raw: raw ?? "", says: result.error.issues[0]?.message ?? "is not valid" }));
  }
  const settings = values as Settings;
  // Contradictions are between values that are each valid.
  if (Object.keys(values).length === FIELDS.length) problems.push(...contradictions(settings));
  if (problems.length > 0) {
    throw new AppError({
      code: "SETTINGS_INVALID",
      kind: "settings",
      message: `${String(problems.length)} problem(s) with the settings:\n${problems.map(lineOf).join("\n")}`,
      details: { problems },
    });
  }
  return Object.freeze(settings);
}

/** Every setting with its value in force, secrets hidden, by variable. */
export function printableSettings(settings: Settings): Readonly<Record<string, string>> {
  const values: Readonly<Record<string, string | number | undefined>> = settings;
  return Object.fromEntries(FIELDS.map(([name, field]) => [field.variable, printable(values[name], field)]));
}

/** Size limits of the streams, derived from the store where they are not set. */
export function streamLimits(settings: Settings): { readonly usageBytes: number; readonly journalBytes: number } {
  return {
    usageBytes: settings.usageStreamBytes ?? Math.floor((settings.natsStoreBytes * 3) / 4 / settings.shards),
    journalBytes: settings.journalStreamBytes ?? Math.floor(settings.natsStoreBytes / 8),
  };
}

/** The shards, of so many, that a sink with these settings writes. */
export function sinkShardsOf({ sinkShards }: Pick<Settings, "sinkShards">, shards: number): readonly number[] {
  const all = Array.from({ length: shards }, (_, shard) => shard);
  if (sinkShards === undefined) return all;
  const wanted = sinkShards.split(",").map(Number);
  const unknown = wanted.filter((shard) => shard >= shards);
  if (unknown.length === 0) return all.filter((shard) => wanted.includes(shard));
  throw new AppError({
    code: "SHARD_UNKNOWN",
    kind: "settings",
    message: `METERLINE_SINK_SHARDS is "${sinkShards}": there is no shard ${unknown.join(", ")}; the shards are 0 to ${String(shards - 1)}`,
  });
}

function problemOf(field: SettingField, input: { readonly raw: string; readonly says: string }): SettingProblem {
  return {
    variable: field.variable,
    value: printable(input.raw, field),
    fix: `${input.says}. ${field.doc}`,
  };
}

function lineOf({ variable, value, fix }: SettingProblem): string {
  return `  - ${variable}=${value}: ${fix}`;
}

function contradictions(settings: Settings): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const { usageBytes, journalBytes } = streamLimits(settings);
  if (settings.natsUrl === undefined && usageBytes * settings.shards + journalBytes > settings.natsStoreBytes) {
    problems.push({
      variable: "METERLINE_NATS_STORE_BYTES",
      value: String(settings.natsStoreBytes),
      fix: "is smaller than the streams' limits together: raise it, or lower METERLINE_USAGE_STREAM_BYTES",
    });
  }
  if (settings.batchWaitMs * 2 > settings.leaseMs) {
    problems.push({
      variable: "METERLINE_LEASE_MS",
      value: String(settings.leaseMs),
      fix: "must be at least twice METERLINE_BATCH_WAIT_MS, or a waiting writer loses its shard",
    });
  }
  if (
    settings.natsUrl === undefined &&
    settings.clickhouseUrl === undefined &&
    settings.natsPort === settings.clickhousePort
  ) {
    problems.push({
      variable: "METERLINE_CLICKHOUSE_PORT",
      value: String(settings.clickhousePort),
      fix: "must differ from METERLINE_NATS_PORT: two embedded servers can't share a port",
    });
  }
  return problems;
}

/** The value of an unknown variable is not repeated: it may be a password whose name was misspelt. */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): SettingProblem[] {
  const known = FIELDS.map(([, field]) => field.variable);
  return Object.keys(env)
    .filter((variable) => variable.startsWith(PREFIX) && !known.includes(variable))
    .map((variable) => ({
      variable,
      value: "(hidden)",
      fix: `is not a setting; ${hint(variable, known)}`,
    }));
}

/** The prefix is left out of the comparison: it would make every name look similar. */
function hint(variable: string, known: readonly string[]): string {
  const bare = (name: string): string => name.slice(PREFIX.length);
  const nearest = nearestName(bare(variable), known.map(bare));
  return nearest === undefined ? "--print-settings shows them all" : `the nearest one is ${PREFIX}${nearest}`;
}

function printable(value: string | number | undefined, field: SettingField): string {
  if (value === undefined) return "(not set)";
  if (field.secret === "whole") return value === "" ? "(empty)" : "(hidden)";
  return field.secret === "part" ? withoutCredentials(String(value)) : String(value);
}

/** Works on text that is no URL too: a mistyped address may still hold a password. */
function withoutCredentials(address: string): string {
  return address.replace(/^([a-z]+:\/\/)?.*@/i, "$1hidden@").replace(/\?.*$/, "?hidden");
}
