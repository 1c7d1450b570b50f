/**
 * The engine's configuration, written before it opens: who may do what, which settings nobody may change, where backups lie.
 *
 * The engine knows one user, `default`; what a request may do is a role that its session takes on (SET ROLE) and cannot put off again. A session begins
 * with all roles, for what the server itself has to do in it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "../make-directory.ts";
import { LOCAL_ENGINES } from "./foreign-functions.ts";
import { financeConstraints, type QueryLimits } from "./query-limits.ts";
import { systemPolicies } from "./system-tables.ts";

export const ENGINE_ROLES = ["admin", "sink", "finance"] as const;
export type EngineRole = (typeof ENGINE_ROLES)[number];
/** In it a session makes the tables that a request brings along. */
export const FILES_ROLE = "files";

export type EngineConfigInput = {
  /** The server's directory; `backups` is made below it. */
  readonly directory: string;
  /** Every insert is on the disk before it is acknowledged. */
  readonly fsync: boolean;
  readonly limits: QueryLimits;
};

/** What `meterline sink` writes itself: batches, its fence, and the journal's projections. From the entrances of the usage chain the rows go on with the rights of the views' maker. */
const INGEST_TABLES =
  "usage_ingest usage_ingest_special sink_fence sink_batches journal_entries catalog_versions rating_runs invoices invoice_lines".split(
    " ",
  );

/** Its tables are the engine's, and the views of queries that run. */
const ADMIN_REVOKES = ["INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE ON system.*"];

const GRANTS: Readonly<Record<EngineRole | "server" | typeof FILES_ROLE, readonly string[]>> = {
  server: ["ALL ON *.*"],
  [FILES_ROLE]: ["CREATE ARBITRARY TEMPORARY TABLE ON *.*", "READ, WRITE ON FILE", "TABLE ENGINE ON File"],
  admin: [
    "CHECK, SHOW, SELECT, INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, BACKUP, KILL QUERY, dictGet ON *.*",
    "SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM MOVES, SYSTEM FLUSH, SYSTEM VIEWS, SYSTEM DROP CACHE, SYSTEM RELOAD DICTIONARY, SYSTEM SYNC REPLICA ON *.*",
    "SET DEFINER ON default",
    ...LOCAL_ENGINES.map((engine) => `TABLE ENGINE ON ${engine}`),
  ],
  sink: ["SHOW, SELECT ON meterline.*", ...INGEST_TABLES.map((table) => `INSERT ON meterline.${table}`)],
  finance: ["SHOW, SELECT ON finance.*", "CREATE TEMPORARY TABLE ON *.*"],
};

/** They hold expressions or paths as text, where no check of the statement sees them, or change how statements are read. */
const FIXED_SETTINGS = [
  "additional_table_filters",
  "additional_result_filter",
  "schema_inference_hints",
  "parallel_replicas_custom_key",
  "format_template_row",
  "format_template_resultset",
  "format_schema_source",
  "format_avro_schema_registry_url",
  "input_format_record_errors_file_path",
  "output_format_schema",
  "rename_files_after_processing",
  "url_base",
  "dialect",
  "allow_experimental_eval_table_function",
  "allow_ddl",
  "implicit_select",
];

/** A delay of zero keeps the engine busy with telling its progress for ever, and nothing ends that. */
const LEAST_SETTINGS: readonly (readonly [name: string, least: number])[] = [["interactive_delay", 10_000]];

/** Writes the files and returns the path that the engine is to be given. */
export function writeEngineConfig({ directory, fsync, limits }: EngineConfigInput): string {
  const path = join(directory, "engine.xml");
  const users = join(directory, "engine-users.xml");
  makeDirectory(join(directory, "backups"));
  const durable = fsync
    ? "<fsync_after_insert>1</fsync_after_insert><fsync_part_directory>1</fsync_part_directory>"
    : "";
  write(path, [
    `<users_config>${escape(users)}</users_config>`,
    `<backups><allowed_path>${escape(join(directory, "backups"))}/</allowed_path></backups>`,
    `<merge_tree>${durable}</merge_tree>`,
  ]);
  const roles = Object.entries(GRANTS).map(([role, grants]) => {
    const revoked = role === "admin" ? ADMIN_REVOKES.map((revoke) => query(`REVOKE ${revoke}`)) : [];
    return `<${role}><grants>${[...grants.map((grant) => query(`GRANT ${grant}`)), ...revoked].join("")}</grants></${role}>`;
  });
  const constraints = [
    ...FIXED_SETTINGS.map((name) => `<${name}><const/></${name}>`),
    ...LEAST_SETTINGS.map(([name, least]) => `<${name}><min>${least}</min></${name}>`),
  ];
  const ofFinance = financeConstraints(limits).map(
    ({ name, min, max }) => `<${name}><min>${min}</min><max>${max}</max></${name}>`,
  );
  write(users, [
    // A schema comes with the request as text: a path would lead out of it.
    "<profiles><default><format_schema_source>string</format_schema_source>",
    `<constraints>${constraints.join("")}</constraints></default>`,
    `<finance><constraints>${ofFinance.join("")}</constraints></finance></profiles>`,
    `<roles>${roles.join("\n")}</roles>`,
    "<users><default><no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>",
    `<grants>${Object.keys(GRANTS)
      .map((role) => query(`GRANT ${role}`))
      .join("")}</grants><databases>${systemPolicies(ENGINE_ROLES)}</databases></default></users>`,
    "<quotas><default/></quotas>",
  ]);
  return path;
}

function query(sql: string): string {
  return `<query>${sql}</query>`;
}

function write(path: string, lines: readonly string[]): void {
  writeFileSync(path, `<clickhouse>\n${lines.join("\n")}\n</clickhouse>\n`, { mode: 0o600 });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
