/** Attempts that hide a call from whoever looks at the statement's tree: in its text, in texts within it, in its data. And honest statements that look like them. */
import type { Answered, Refused } from "./attack-attempts.ts";

const DENIED = 497;
const FIXED = 452;
const SYNTAX = 62;
/** Texts within texts are read without parameters. */
const UNKNOWN_PARAMETER = 456;
const NO_EXPRESSIONS = 344;
const ZERO_WIDTH = "\u200b";

export const HIDDEN_CALLS: readonly Refused[] = [
  ["a file behind APPLY", DENIED, "SELECT * APPLY(file) FROM (SELECT '$CANARY' AS a)"],
  ["a file behind APPLY without brackets", DENIED, "SELECT COLUMNS('a') APPLY file FROM (SELECT '$CANARY' AS a)"],
  ["a file in a lambda behind APPLY", DENIED, "SELECT * APPLY(x -> file(x)) FROM (SELECT '$CANARY' AS a)"],
  [
    "a file behind APPLY in a view",
    DENIED,
    "CREATE VIEW default.v AS SELECT * APPLY(file) FROM (SELECT '$CANARY' AS a)",
  ],
  ["a file named as a lambda", DENIED, "SELECT arrayMap(file, ['$CANARY'])"],
  ["a file named as a lambda, quoted", DENIED, "SELECT arrayMap(`file`, ['$CANARY'])"],
  [
    "a file named as a lambda by a parameter",
    DENIED,
    "SELECT arrayMap({f:Identifier}, ['$CANARY'])",
    { parameters: { param_f: "file" } },
  ],
  ...["//", "#", "#!", "--", "/*", "/* /* */", "$", "x'"].map((mark): Refused => [
    `a file behind APPLY, and ${mark} in a parameter's type`,
    SYNTAX,
    `SELECT {x:String ${mark} '\n}, * APPLY(file) FROM (SELECT '$CANARY' AS a) -- '`,
    { parameters: { param_x: "1" } },
  ]),
  ["a file named as a lambda in a SQL function", DENIED, "CREATE FUNCTION f AS (x) -> arrayMap(file, x)"],
  ["a file in the condition of SHOW TABLES", DENIED, "SHOW TABLES FROM finance WHERE throwIf(1, file('$CANARY'))"],
  ["a file in the condition of SHOW COLUMNS", DENIED, "SHOW COLUMNS FROM default.rows WHERE toUInt8(file('$CANARY'))"],
  ["a file in the condition of SHOW INDEX", DENIED, "SHOW INDEX FROM default.rows WHERE toUInt8(file('$CANARY'))"],
  ["a file in the limit of SHOW DATABASES", DENIED, "SHOW DATABASES LIMIT length(file('$CANARY'))"],
  [
    "a file put together in the condition of SHOW",
    DENIED,
    "SHOW TABLES FROM finance WHERE name IN (SELECT a FROM format(Values, 'a String', concat('(fi', 'le(''$CANARY''))')))",
  ],
  ["a file in the condition of KILL", DENIED, "KILL QUERY WHERE file('$CANARY') = '' ASYNC"],
  [
    "a file in TTL … SET",
    DENIED,
    "CREATE TABLE default.d (a UInt8, t Date, s String) ENGINE = MergeTree ORDER BY a TTL t GROUP BY a SET s = any(file('$CANARY'))",
  ],
  [
    "a file in the query of a dictionary",
    DENIED,
    "CREATE DICTIONARY default.dict (n UInt64, a String) PRIMARY KEY n SOURCE(CLICKHOUSE(QUERY 'SELECT 1 AS n, file(''$CANARY'') AS a')) LAYOUT(FLAT()) LIFETIME(0)",
  ],
  [
    "a file in the condition of a dictionary",
    DENIED,
    "CREATE DICTIONARY default.dict (n UInt64, file String) PRIMARY KEY n SOURCE(CLICKHOUSE(TABLE 'rows' WHERE 'throwIf(1, file(''$CANARY''))')) LAYOUT(FLAT()) LIFETIME(0)",
  ],
  [
    "a file in the query that invalidates a dictionary",
    DENIED,
    "CREATE DICTIONARY default.dict (n UInt64, file String) PRIMARY KEY n SOURCE(CLICKHOUSE(TABLE 'rows' INVALIDATE_QUERY 'SELECT file(''$CANARY'')')) LAYOUT(FLAT()) LIFETIME(1)",
  ],
  [
    "a file in the query of a dictionary, put together",
    DENIED,
    "CREATE OR REPLACE DICTIONARY default.dict (n UInt64, a String) PRIMARY KEY n SOURCE(CLICKHOUSE(QUERY concat('SELECT 1 AS n, fi', 'le(''$CANARY'') AS a'))) LAYOUT(FLAT()) LIFETIME(0)",
  ],
];

export const HIDDEN_IN_TEXTS: readonly Refused[] = [
  [
    "as a lambda by a parameter",
    UNKNOWN_PARAMETER,
    "SELECT * FROM format(Values, 'a String', $$(arrayMap({f:Identifier}, ['$CANARY'])[1])$$)",
    { parameters: { param_f: "file" } },
  ],
  ["behind a line's comment", DENIED, "SELECT * FROM format(Values, 'a String', $$(file--x\n('$CANARY'))$$)"],
  ["in typographic quotes", DENIED, "SELECT * FROM format(Values, 'a String', $$(“file”('$CANARY'))$$)"],
  [
    "behind a blank that none sees",
    DENIED,
    `SELECT * FROM format(Values, 'a String', $$(file${ZERO_WIDTH}('$CANARY'))$$)`,
  ],
  ["in a name with escapes", DENIED, "SELECT * FROM format(Values, 'a String', $$(`fi\\x6ce`('$CANARY'))$$)"],
  ["in an alias", DENIED, "WITH concat('(fi', 'le(''$CANARY''))') AS x SELECT * FROM format(Values, 'a String', x)"],
  ["in a subquery", DENIED, "SELECT * FROM format(Values, 'a String', (SELECT concat('(fi', 'le(''$CANARY''))')))"],
  [
    "in a format by a parameter",
    DENIED,
    "SELECT * FROM format({f:Identifier}, 'a String', $$(file('$CANARY'))$$)",
    { parameters: { param_f: "Values" } },
  ],
  [
    "in a function of a function",
    DENIED,
    "SELECT * FROM loop(format(Values, 'a String', $$(file('$CANARY'))$$)) LIMIT 1",
  ],
  ["behind IN", DENIED, "SELECT 'x' IN format(Values, 'a String', $$(file('$CANARY'))$$)"],
  ["in a structure", DENIED, "SELECT * FROM format(JSONEachRow, 'a String DEFAULT file(''$CANARY'')', '{}')"],
  [
    "in a structure of values()",
    DENIED,
    "SELECT * FROM values('a String, b String DEFAULT file(''$CANARY'')', ('x', 'y'))",
  ],
  [
    "in a text in a text",
    DENIED,
    "SELECT * FROM format(Values, 'a String', $$((SELECT a FROM format(Values, 'a String', concat('(fi', 'le(''$CANARY''))'))))$$)",
  ],
];

const INSERT = "INSERT INTO default.rows (file)";
const EXPRESSIONS = {
  parameters: {
    input_format_values_interpret_expressions: "1",
    input_format_values_deduce_templates_of_expressions: "1",
  },
};
export const HIDDEN_IN_VALUES: readonly Refused[] = [
  ["in typographic quotes", NO_EXPRESSIONS, `${INSERT} VALUES (“file”('$CANARY'))`],
  ["behind a blank that none sees", NO_EXPRESSIONS, `${INSERT} VALUES (file${ZERO_WIDTH}('$CANARY'))`],
  ["behind a line's comment", NO_EXPRESSIONS, `${INSERT} VALUES (file -- x\n('$CANARY'))`],
  ["in a name with escapes", NO_EXPRESSIONS, `${INSERT} VALUES (\`fi\\x6ce\`('$CANARY'))`],
  ["as a lambda", NO_EXPRESSIONS, `${INSERT} VALUES (arrayMap(file, ['$CANARY'])[1])`],
  [
    "as a lambda by a parameter",
    NO_EXPRESSIONS,
    `${INSERT} VALUES (arrayMap({f:Identifier}, ['$CANARY'])[1])`,
    { parameters: { param_f: "file" } },
  ],
  [
    "in a text in a subquery",
    NO_EXPRESSIONS,
    `${INSERT} VALUES ((SELECT a FROM format(Values, 'a String', concat('(fi', 'le(''$CANARY''))'))))`,
  ],
  ["with leave of the request", NO_EXPRESSIONS, `${INSERT} VALUES (file('$CANARY'))`, EXPRESSIONS],
  [
    "with leave of the statement",
    FIXED,
    `${INSERT} SETTINGS input_format_values_interpret_expressions = 1 VALUES (file('$CANARY'))`,
  ],
  [
    "with leave of the statement, by input()",
    FIXED,
    `${INSERT} SELECT a FROM input('a String') SETTINGS input_format_values_interpret_expressions = 1 FORMAT Values (file('$CANARY'))`,
  ],
  [
    "with leave of the request, by input()",
    NO_EXPRESSIONS,
    `${INSERT} SELECT a FROM input('a String') FORMAT Values (file('$CANARY'))`,
    EXPRESSIONS,
  ],
  [
    "beside a parameter",
    NO_EXPRESSIONS,
    `INSERT INTO default.rows (file, n) VALUES (file('$CANARY'), {n: UInt64})`,
    { parameters: { param_n: "1" } },
  ],
];

export const HONEST_TEXTS: readonly Answered[] = [
  ["the function format", "SELECT format('{}-{}', toString(1), upper('a'))", "1-A\n"],
  ["values that look like a structure", "SELECT * FROM values('profile', 'select')", "profile\nselect\n"],
  ["a column file in a structure", "SELECT file FROM values('file String, n UInt8', ('x (file)', 1))", "x (file)\n"],
  ["a key file in JSON", 'SELECT * FROM format(JSONEachRow, \'{"file":"file(x)"}\')', "file(x)\n"],
  [
    "a text with file in rows",
    "SELECT * FROM format(Values, 'file String, n UInt8', $$('file (x)', 1), ('select', 1 + 1)$$)",
    "file (x)\t1\nselect\t2\n",
  ],
  ["another column behind APPLY", "SELECT * APPLY(x -> x || '!') FROM values('file String', 'a')", "a!\n"],
  ["a column file in a lambda", "SELECT arrayMap(x -> x || file, [file]) FROM values('file String', 'a')", "['aa']\n"],
  ["a column file of arrays", "SELECT arraySum(file) FROM values('file Array(UInt8)', ([1, 2]))", "3\n"],
  ["a function named as a lambda", "SELECT arrayMap(length, ['ab'])", "[2]\n"],
  ["a table called file", "CREATE TABLE default.file (file String, n UInt8) ENGINE = Memory", ""],
  ["rows for the table called file", "INSERT INTO default.file (file, n) VALUES ('a file', 1)", ""],
  [
    "rows for the table called file in its database",
    "INSERT INTO file (file, n) VALUES ('select', (SELECT 2)), ('it''s a profile', length('file') + 0)",
    "",
    { parameters: { database: "default" } },
  ],
  ["what was inserted", "SELECT file, n FROM default.file ORDER BY n", "a file\t1\nselect\t2\nit\\'s a profile\t4\n"],
  ["its columns", "SHOW COLUMNS FROM default.file WHERE field = 'file'"],
  [
    "a dictionary by a query",
    "CREATE DICTIONARY default.profile (n UInt64, file String) PRIMARY KEY n SOURCE(CLICKHOUSE(QUERY 'SELECT n, file FROM default.file')) LAYOUT(FLAT()) LIFETIME(0)",
    "",
  ],
  ["a word of that dictionary", "SELECT dictGet('default.profile', 'file', toUInt64(1))", "a file\n"],
  [
    "a TTL with SET",
    "CREATE TABLE default.ttl (a UInt64, t Date, s String) ENGINE = MergeTree ORDER BY a TTL t GROUP BY a SET s = any(s)",
    "",
  ],
];
