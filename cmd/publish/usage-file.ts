/** Opens a usage file by its type: NDJSON lines are events already, CSV rows become events by a column map. */
import type { FileItem } from "../../src/app/publish/publish-events.ts";
import { parseColumnMap } from "../../src/files/column-map.ts";
import { readCsvEvents } from "../../src/files/read-csv-events.ts";
import { readEventLines } from "../../src/files/read-event-lines.ts";

export const USAGE_FILE_TYPES = ["ndjson", "csv"] as const;
export type UsageFileType = (typeof USAGE_FILE_TYPES)[number];

export type UsageFile = {
  readonly path: string;
  readonly type: UsageFileType;
  /** Of the column map; empty without one. */
  readonly mapPath: string;
  readonly mapText: string;
};

export function openUsageFile(file: UsageFile): AsyncIterable<FileItem> {
  if (file.type === "ndjson") return readEventLines(file.path);
  return readCsvEvents(file.path, parseColumnMap(file.mapText, file.mapPath));
}
