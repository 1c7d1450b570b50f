import { describe, expect, test } from "vitest";
import {
  parseStatement,
  secondStatementAt,
  type InsertStatement,
  type OtherStatement,
} from "../../../src/embedded/clickhouse-server/statement.ts";

function insertOf(text: string): InsertStatement {
  const statement = parseStatement(text);
  if (statement.kind !== "insert") throw new Error(`"${text}" was not read as an insert`);
  return statement;
}

describe("parseStatement", () => {
  test("finds where the data of an insert begins", () => {
    const text = "INSERT INTO t (a, b) FORMAT CSV\n1,FORMAT\n";
    const statement = insertOf(text);
    expect(statement).toMatchObject({
      source: "data",
      format: "CSV",
      target: "t",
      beforeSettings: "INSERT INTO t (a, b) ",
    });
    expect(text.slice(statement.dataStart)).toBe("1,FORMAT\n");
  });

  // Guarantee: FROM INFILE stands before SETTINGS, or the engine refuses the statement.
  test("parts settings from what stands before them", () => {
    const statement = insertOf("insert into db.t settings async_insert = 0 format TSV\nx");
    expect(statement.beforeSettings).toBe("insert into db.t ");
    expect(statement.settings).toBe("settings async_insert = 0 ");
    expect(statement.target).toBe("db.t");
  });

  test("finds input() of a selecting insert, and its format at the end", () => {
    const text =
      "INSERT INTO t SELECT a FROM input('a String, b Decimal(9, 2)') WHERE a != 'FORMAT X' FORMAT RowBinary";
    const statement = insertOf(text);
    expect(statement.source).toBe("select");
    expect(statement.format).toBe("RowBinary");
    expect(statement.input?.structure).toBe("'a String, b Decimal(9, 2)'");
    expect(text.slice(statement.input?.start, statement.input?.end)).toBe("input('a String, b Decimal(9, 2)')");
  });

  test("an insert that selects from tables has no data of its own", () => {
    expect(insertOf("INSERT INTO t SELECT * FROM u")).toMatchObject({ source: "select", input: null });
    expect(insertOf("INSERT INTO t VALUES (1, 'FORMAT')")).toMatchObject({ source: "values" });
  });

  test("comments, strings and brackets hide no keyword and lend none", () => {
    const formatOf = (text: string) => parseStatement(text).format;
    expect(formatOf("/* INSERT INTO t FORMAT CSV */ SELECT 'FORMAT JSON' AS format FORMAT TSV")).toBe("TSV");
    expect(formatOf("SELECT (SELECT 1 FORMAT) -- FORMAT JSON\n")).toBeNull();
    expect(formatOf("SELECT 1 FORMAT JSON SETTINGS max_threads = 1;")).toBe("JSON");
  });

  test("a column that is called format is no FORMAT", () => {
    expect(parseStatement("SELECT format AS f, format FROM t ORDER BY format DESC")).toMatchObject({ format: null });
    const statement = insertOf("INSERT INTO t SELECT format AS f FROM input('format String') FORMAT CSV\nx");
    expect(statement).toMatchObject({ format: "CSV", input: { structure: "'format String'" } });
  });

  test("tells what reads, what sticks to a session, and what a server refuses", () => {
    const other = (text: string): OtherStatement => {
      const statement = parseStatement(text);
      if (statement.kind !== "other") throw new Error(`"${text}" was read as an insert`);
      return statement;
    };
    const reads = ["SELECT 1", "with 1 as x select x", "FROM t SELECT a", "(SELECT 1) UNION ALL (SELECT 2)"];
    expect(reads.map((text) => other(text).reads)).toEqual([true, true, true, true]);
    const others = ["SHOW TABLES", "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "EXPLAIN SELECT 1"];
    expect(others.map((text) => other(text).reads)).toEqual([false, false, false]);
    const sticky = ["SET max_threads = 1", "USE db", "CREATE TEMPORARY TABLE t (a Int8)", "SELECT 1"];
    expect(sticky.map((text) => other(text).sticky)).toEqual([true, true, true, false]);
    expect(other("SELECT ';'; -- the end\n;")).toMatchObject({ second: null, end: "SELECT ';'".length });
    expect(other("SELECT 1; DROP TABLE t").second).toBe("SELECT 1".length);
    expect(secondStatementAt("INSERT INTO t VALUES (1, ';'); DROP TABLE t")).toBe(
      "INSERT INTO t VALUES (1, ';')".length,
    );
    expect(secondStatementAt("INSERT INTO t VALUES (1, '; x');")).toBeNull();
    expect(insertOf("INSERT INTO t FROM INFILE 'x' FORMAT CSV").infile).toBe(true);
    expect(other("SELECT 1 INTO OUTFILE 'x'").outfile).toBe("SELECT 1 ".length);
    expect(other("SELECT 'INTO OUTFILE'").outfile).toBeNull();
  });
});
