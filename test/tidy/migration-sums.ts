/** Checksums of the migrations. An applied migration never changes; another change is another migration. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One line per migration in the form of `sha256sum`, by name. */
export function migrationSums(directory: string): string {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".sql"))
    .sort((a, b) => (a < b ? -1 : 1))
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(directory, name)))
          .digest("hex")}  ${name}\n`,
    )
    .join("");
}

/** What the list becomes with the new migrations; throws when a line that it already has would change or move. */
export function appendSums(recorded: string, actual: string): string {
  if (actual.startsWith(recorded)) return actual;
  const changed = recorded.split("\n").filter((line) => line !== "" && !actual.includes(`${line}\n`));
  throw new Error(
    `sql/migrations.sum only grows; changed or out of place: ${changed.join(", ") || "a new migration before a recorded one"}`,
  );
}
