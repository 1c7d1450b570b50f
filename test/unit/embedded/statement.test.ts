import { describe, expect, test } from "vitest";
import { parseStatement, type InsertStatement } from "../../../src/embedded/clickhouse-server/statement.ts";

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
    expect(parseStatement("/* INSERT INTO t FORMAT CSV */ SELECT 'FORMAT JSON' AS format FORMAT TSV")).toEqual({
      kind: "other",
      format: "TSV",
    });
    expect(parseStatement("SELECT (SELECT 1 FORMAT) -- FORMAT JSON\n")).toEqual({ kind: "other", format: null });
    expect(parseStatement("SELECT 1 FORMAT JSON SETTINGS max_threads = 1")).toEqual({ kind: "other", format: "JSON" });
  });
});
