import { describe, expect, test } from "vitest";
import { lastFormat, readStatementHead } from "../../../src/embedded/clickhouse-server/statement-head.ts";
import { tokensOf } from "../../../src/embedded/clickhouse-server/sql-text.ts";

function dataOf(text: string): string | null {
  const head = readStatementHead(text);
  return head.kind === "insert" ? text.slice(head.end) : null;
}

describe("readStatementHead", () => {
  test("data begin behind the format's name and one line end", () => {
    expect(dataOf('INSERT INTO t (a, b) FORMAT CSV\n1,"x"\n')).toBe('1,"x"\n');
    expect(dataOf("INSERT INTO t FORMAT RowBinary\r\n\n\u0001")).toBe("\n\u0001");
    expect(dataOf("INSERT INTO t SETTINGS async_insert = 0 FORMAT TSV ;\n1")).toBe("1");
    expect(dataOf("insert into t format JSONEachRow{}")).toBe("{}");
  });

  test("values are data", () => {
    expect(dataOf("INSERT INTO t (a) VALUES (1), ('VALUES')")).toBe(" (1), ('VALUES')");
    expect(dataOf("INSERT INTO t VALUES")).toBe("");
  });

  test("an insert that selects has data only for input()", () => {
    expect(dataOf("INSERT INTO t SELECT a FROM input('a Int8') FORMAT CSV\n1")).toBe("1");
    expect(dataOf("INSERT INTO t SELECT * FROM u")).toBeNull();
    expect(dataOf("INSERT INTO t SELECT * FROM values('a Int8', 1)")).toBeNull();
    expect(dataOf("INSERT INTO t SELECT a AS format FROM u")).toBeNull();
  });

  test("comments, strings and brackets hide no keyword and lend none", () => {
    expect(dataOf("/* INSERT INTO u FORMAT TSV */ INSERT INTO t -- FORMAT CSV\nFORMAT TSV\n1")).toBe("1");
    expect(dataOf("SELECT 'INSERT INTO t FORMAT CSV'")).toBeNull();
    expect(dataOf("INSERT INTO `FORMAT CSV` FORMAT TSV\n1")).toBe("1");
  });

  test("positions are bytes when the text is latin1", () => {
    const bytes = Buffer.concat([Buffer.from("INSERT INTO `ü€` FORMAT RowBinary\n"), Buffer.from([0xff, 0xc3, 0x28])]);
    const head = readStatementHead(bytes.toString("latin1"));
    expect(head.kind === "insert" && [...bytes.subarray(head.end)]).toEqual([0xff, 0xc3, 0x28]);
  });
});

describe("lastFormat", () => {
  const formatOf = (text: string): string | undefined => lastFormat(tokensOf(text))?.name;

  test("finds the FORMAT at the end, also before SETTINGS and in quotes", () => {
    expect(formatOf("SELECT 1 FORMAT JSON")).toBe("JSON");
    expect(formatOf("SELECT 1\nFORMAT `Null`")).toBe("Null");
    expect(formatOf("SELECT 1 FORMAT JSON SETTINGS max_threads = 1")).toBe("JSON");
  });

  test("a column that is called format is none", () => {
    expect(formatOf("SELECT format AS f, format FROM t ORDER BY format DESC")).toBeUndefined();
    expect(formatOf("SELECT (SELECT 1 FORMAT CSV)")).toBeUndefined();
  });
});
