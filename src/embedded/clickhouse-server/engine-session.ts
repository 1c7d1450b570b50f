/**
 * One session of the engine. Opening one takes a quarter of a millisecond, so each request has its own, and nothing of it stays for the next: SET, USE, bound
 * parameters and temporary tables end with it. Only a client's own session (`session_id`) lives longer, and gets its settings back behind each request.
 */
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import type * as Chdb from "chdb";
import { FILES_ROLE, type EngineRole } from "./engine-config.ts";
import { identifier, literal } from "./sql-text.ts";

const { Session, drainPending } = createRequire(import.meta.url)("chdb") as typeof Chdb;

export type Named = readonly (readonly [name: string, value: string])[];

/** A file that the statement sees as a temporary table. */
export type FileTable = {
  readonly name: string;
  readonly structure: string;
  readonly format: string;
  readonly path: string;
  /** How its format is read, as `name = value` in SQL: a table of files does not look at the session's settings. */
  readonly formatSettings: readonly string[];
};

export type SessionSetup = {
  readonly database: string | null;
  readonly settings: Named;
  /** `param_<name>`. */
  readonly parameters: Named;
  readonly files: readonly FileTable[];
};

export type SessionResult = {
  readonly bytes: Uint8Array;
  readonly rowsRead: number;
  readonly bytesRead: number;
  readonly seconds: number;
};

export type EngineSession = {
  run(sql: string, format: string): Promise<SessionResult>;
  /** Makes the session ready for a request; the function it gives makes it as it was. */
  prepare(setup: SessionSetup): Promise<() => Promise<void>>;
  close(): void;
};

export type OpenSessionInput = {
  readonly data: string;
  readonly config: string;
  /** Null: all roles, for what the server does itself. */
  readonly role: EngineRole | null;
  readonly limits: Named;
  /** Nothing is written, whatever the role may do. Cannot be taken back. */
  readonly readOnly: boolean;
  /** More than one request will use it. */
  readonly lasting: boolean;
};

/**
 * What differs from the engine's own defaults, which are those of a command line tool: a misspelt SELECT is an error, not an expression; and
 * finance.line_events finds one line's events by the table's key (measured: 53 thousand rows read instead of 2.1 million). A body's file is read and not
 * mapped: mapped pages count as the process's memory, as much as the body is long (measured: 2025 MiB instead of 1031 for a body of 1 GB).
 */
const ARGUMENTS = [
  "--implicit_select=0",
  "--allow_introspection_functions=0",
  "--storage_file_read_method=pread",
  "--enable_join_runtime_filters=1",
  "--enable_join_runtime_filters_index_analysis=1",
];
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function openEngineSession({ data, config, role, limits, readOnly, lasting }: OpenSessionInput): EngineSession {
  const native = new Session(data, {
    connectionArgs: [`--config-file=${config}`, ...ARGUMENTS, ...limits.map(([name, value]) => `--${name}=${value}`)],
  });
  const run = async (sql: string, format: string): Promise<SessionResult> => {
    const result = await native.queryAsync(sql, { format });
    const { rowsRead, bytesRead, elapsed } = result;
    return { bytes: result.bytes(), rowsRead, bytesRead, seconds: elapsed };
  };
  const command = async (sql: string): Promise<void> => {
    await native.queryAsync(sql, { format: "TSVRaw" });
  };
  /** All roles until the first request is prepared. */
  let current: EngineRole | typeof FILES_ROLE | null = null;
  const take = async (wanted: typeof current): Promise<void> => {
    if (wanted !== current) await command(`SET ROLE ${wanted ?? "ALL"}`);
    current = wanted;
  };
  let isReadOnly = false;
  let isConstrained = role !== "finance";
  return {
    run,
    prepare: async (setup) => {
      // Before the client's own settings; no other profile takes its constraints away again.
      if (!isConstrained) await command("SET profile = 'finance'");
      isConstrained = true;
      const before = lasting ? await valuesOf(run, setup.settings) : [];
      const restore = async (): Promise<void> => {
        // What a session of one request has is gone with it.
        if (!lasting) return;
        for (const file of setup.files) await command(`DROP TEMPORARY TABLE IF EXISTS ${identifier(file.name)}`);
        if (before.length > 0) await command(`SET ${before.join(", ")}`);
      };
      try {
        const assignments = [...known(setup.settings), ...known(setup.parameters)];
        if (assignments.length > 0) await command(`SET ${assignments.map(assignment).join(", ")}`);
        // As on a server: whoever may not read there is told so by the query.
        if (setup.database !== null) await take(null);
        if (setup.database !== null) await command(`USE ${identifier(setup.database)}`);
        // What a structure calls is the client's: it gets no other right than to have its own file read.
        if (setup.files.length > 0) await take(FILES_ROLE);
        for (const file of setup.files) await command(fileTable(file));
      } catch (error) {
        await take(role);
        await restore().catch(() => undefined);
        throw error;
      }
      await take(role);
      if (readOnly && !isReadOnly) await command("SET readonly = 2");
      isReadOnly = readOnly;
      return restore;
    },
    close: () => {
      native.close();
    },
  };
}

/** The assignments that give the settings the values they have now. */
async function valuesOf(run: EngineSession["run"], settings: Named): Promise<readonly string[]> {
  const names = known(settings).map(([name]) => literal(name));
  if (names.length === 0) return [];
  const { bytes } = await run(
    `SELECT name, changed, value FROM system.settings WHERE name IN (${names.join(", ")})`,
    "JSONCompactEachRow",
  );
  const lines = Buffer.from(bytes).toString("utf8").split("\n").filter(Boolean);
  return lines.map((line) => {
    const [name, changed, value] = JSON.parse(line) as [string, number, string];
    return `${name} = ${changed === 1 ? literal(value) : "DEFAULT"}`;
  });
}

function known(values: Named): Named {
  return values.filter(([name]) => NAME.test(name));
}

function assignment([name, value]: Named[number]): string {
  return `${name} = ${literal(value)}`;
}

/** The structure was checked before (execute.ts); a table of the engine File is read as a stream, never into memory as a whole. */
function fileTable({ name, structure, format, path, formatSettings }: FileTable): string {
  const settings = formatSettings.length === 0 ? "" : ` SETTINGS ${formatSettings.join(", ")}`;
  return `CREATE TEMPORARY TABLE ${identifier(name)} (${structure}) ENGINE = File(${identifier(format)}, ${literal(path)})${settings}`;
}

/** Resolves when the sessions that were closed are: one with a statement under way, of any session, has its files open until that has ended. False: not within the time. */
export async function engineReleased(withinMs: number): Promise<boolean> {
  const waited = new AbortController();
  const released = drainPending().then(() => true);
  const inVain = delay(withinMs, false, { signal: waited.signal }).catch(() => false);
  const isReleased = await Promise.race([released, inVain]);
  waited.abort();
  return isReleased;
}
