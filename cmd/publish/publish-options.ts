/** What `publish` was asked for: its options, checked, with the fix in every message. */
import { resolve } from "node:path";
import { readNamedFile, requireRegularFile } from "../../src/files/named-file.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { USAGE_FILE_TYPES, type UsageFile, type UsageFileType } from "./usage-file.ts";

export type PublishOptions = {
  readonly map?: string;
  readonly type?: string;
  readonly rate?: string;
  readonly again?: boolean;
};

export type PublishWanted = UsageFile & {
  /** Null: as fast as it goes. */
  readonly perSecond: number | null;
  readonly again: boolean;
};

export function readPublishOptions(file: string, options: PublishOptions): PublishWanted {
  requireRegularFile({ path: file, option: "<file>" });
  const type = typeOf(file, options);
  const { map } = options;
  const mapPath = map === undefined ? "" : resolve(map);
  const mapText = map === undefined ? "" : readNamedFile({ path: map, option: "--map" }).toString("utf8");
  return {
    path: resolve(file),
    type,
    mapPath,
    mapText,
    perSecond: rateOf(options.rate),
    again: options.again === true,
  };
}

function typeOf(file: string, { type: given, map }: PublishOptions): UsageFileType {
  const type = given ?? (/\.csv$/i.test(file) || map !== undefined ? "csv" : "ndjson");
  if (type !== "csv" && type !== "ndjson")
    throw usageError(`--type is "${type}": write ${USAGE_FILE_TYPES.join(" or ")}`);
  if (type === "csv" && map === undefined)
    throw usageError("a CSV file needs --map: a YAML file that says which column becomes what (docs/publishing.md)");
  if (type === "ndjson" && map !== undefined)
    throw usageError("--map is for CSV files; an NDJSON line is an event already");
  return type;
}

function rateOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const perSecond = Number(text);
  if (Number.isSafeInteger(perSecond) && perSecond > 0) return perSecond;
  throw usageError(`--rate is "${text}": write a whole number of events per second`);
}

function usageError(message: string): AppError {
  return new AppError({ code: "PUBLISH_USAGE", kind: "usage", message });
}
