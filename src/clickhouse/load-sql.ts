/** Reads the project's SQL files. Queries are cached; the text never changes at run time. */
import { readdirSync, readFileSync } from "node:fs";
import { sha256Hex } from "../kernel/hash.ts";

const SQL_ROOT = new URL("../../sql/", import.meta.url);
const queries = new Map<string, string>();

export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly statements: readonly MigrationStatement[];
};

export type MigrationStatement = {
  readonly sql: string;
  /** Asked before the statement, which is left out where it gives a row: for what is costly, or must not happen again under running sinks. */
  readonly unless: string | undefined;
};

/** The text of `sql/queries/<name>.sql`. */
export function querySql(name: string): string {
  const known = queries.get(name);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`queries/${name}.sql`, SQL_ROOT), "utf8");
  queries.set(name, text);
  return text;
}

/** All files of `sql/checks`, by name. */
export function checkSqls(): readonly { readonly name: string; readonly sql: string }[] {
  return sqlFiles("checks/").map((file) => ({
    name: file.replace(/\.sql$/, ""),
    sql: readFileSync(new URL(`checks/${file}`, SQL_ROOT), "utf8"),
  }));
}

/** All migrations in order. Statements are parted by a line `-- @statement`, never by a semicolon inside; one may have a line `-- @unless SELECT …`. */
export function migrations(): readonly Migration[] {
  return sqlFiles("migrations/").map((file) => {
    const text = readFileSync(new URL(`migrations/${file}`, SQL_ROOT), "utf8");
    return {
      version: Number(file.slice(0, 4)),
      name: file.replace(/\.sql$/, ""),
      checksum: sha256Hex(text),
      statements: text.split(/^-- @statement$/m).map((statement) => ({
        sql: statement.trim().replace(/;$/, ""),
        unless: /^-- @unless (.+)$/m.exec(statement)?.[1],
      })),
    };
  });
}

function sqlFiles(folder: string): string[] {
  return readdirSync(new URL(folder, SQL_ROOT))
    .filter((file) => file.endsWith(".sql"))
    .sort();
}
