/** Adds new migrations to sql/migrations.sum; refuses when one that is recorded there has changed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { appendSums, migrationSums } from "./migration-sums.ts";

const SQL = join(import.meta.dirname, "../../sql");
const LIST = join(SQL, "migrations.sum");

const recorded = existsSync(LIST) ? readFileSync(LIST, "utf8") : "";
writeFileSync(LIST, appendSums(recorded, migrationSums(join(SQL, "migrations"))));
