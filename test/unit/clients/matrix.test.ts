/** The tables of docs/clickhouse-clients.md: what did not run is never shown as working. */
import { expect, test } from "vitest";
import { CLIENT_CELLS, READER_CELLS, type CellResult } from "../../clients/cells.ts";
import { failuresOf, limitsOf, matrixOf, versionsOf } from "../../clients/matrix.ts";
import { CLIENT_PROGRAMS, READER_PROGRAMS, runProgram } from "../../clients/programs.ts";

const CELLS = [
  { id: "ping", title: "ping" },
  { id: "session", title: "a session" },
];
const SERVER = { url: "http://127.0.0.1:1", user: "u", password: "p" };

function said(client: string, cell: string | null, ok: boolean | null, detail = ""): CellResult {
  return { client, cell, ok, detail };
}

function table(results: readonly CellResult[]): readonly string[] {
  return matrixOf({ heading: "cell", cells: CELLS, clients: ["c"], results })
    .split("\n")
    .slice(2);
}

test("a cell is yes, no, or something that the client does not have", () => {
  expect(table([said("c", "ping", true), said("c", "session", false)])).toEqual([
    "| ping | yes |",
    "| a session | **no** |",
  ]);
  expect(table([said("c", "ping", true)])).toEqual(["| ping | yes |", "| a session | – |"]);
});

test("a client that is not installed, or said nothing, did not run", () => {
  const nothing = ["| ping | not run |", "| a session | not run |"];
  expect(table([said("c", null, null, "not installed")])).toEqual(nothing);
  expect(table([said("another", "ping", true)])).toEqual(nothing);
});

test("the cells behind the end of a program that broke have no answer", () => {
  const results = [said("c", "ping", true), said("c", "program", false, "the program itself failed")];
  expect(table(results)).toEqual(["| ping | yes |", "| a session | no answer |"]);
});

test("failures are told with what was seen, in one line each", () => {
  expect(failuresOf([said("c", "ping", true), said("c", "session", false, "got <1>,\n wanted | 2")])).toBe(
    "- c, session: got 1 , wanted 2",
  );
  expect(failuresOf([said("c", "ping", true), said("d", null, null)])).toBe("No cell failed.");
});

test("what a client cannot do itself is told", () => {
  const results = [{ ...said("c", "ping", true), limit: "no\nhead" }, said("c", "session", true)];
  expect(table(results)).toEqual(["| ping | in part |", "| a session | yes |"]);
  expect(limitsOf({ cells: CELLS, results })).toBe("- c, ping: no head");
  expect(limitsOf({ cells: CELLS, results: [said("c", "session", true)] })).toBe("None.");
});

test("versions are told of those that ran", () => {
  expect(versionsOf([said("c", "version", null, "1.2"), said("c", "ping", true), said("d", null, null)])).toBe("c 1.2");
});

test("what is not installed does not run, whether the command is missing or its probe fails", async () => {
  const missing = { command: "/nowhere/client", arguments: [], clients: ["c", "d"] };
  expect(await runProgram(missing, SERVER)).toEqual(
    ["c", "d"].map((client) => said(client, null, null, "not installed")),
  );
  const lacking = {
    command: process.execPath,
    probe: ["-e", "process.exit(3)"],
    arguments: ["-e", ""],
    clients: ["c"],
  };
  expect(await runProgram(lacking, SERVER)).toEqual([said("c", null, null, "not installed")]);
});

test("a program that ends with a failure keeps the cells that it has, and has one that failed", async () => {
  const script = `console.log(JSON.stringify(${JSON.stringify(said("c", "ping", true))})); console.error("broken off"); process.exit(1);`;
  const results = await runProgram({ command: process.execPath, arguments: ["-e", script], clients: ["c"] }, SERVER);
  expect(results[0]).toEqual(said("c", "ping", true));
  expect(results[1]).toMatchObject({ cell: "program", ok: false });
  expect(results[1]?.detail).toContain("broken off");
});

test("each column is filled by one program, and no cell is asked twice", () => {
  for (const programs of [CLIENT_PROGRAMS, READER_PROGRAMS]) {
    const columns = programs.flatMap(({ clients }) => clients);
    expect(new Set(columns).size).toBe(columns.length);
  }
  for (const cells of [CLIENT_CELLS, READER_CELLS]) expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
});
