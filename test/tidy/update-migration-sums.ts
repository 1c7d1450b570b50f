/** Writes sql/migrations.sum anew. For a new migration; one that has been released stays as it is. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { migrationSums } from "./migration-sums.ts";

const SQL = join(import.meta.dirname, "../../sql");

writeFileSync(join(SQL, "migrations.sum"), migrationSums(join(SQL, "migrations")));
