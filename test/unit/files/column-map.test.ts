import { describe, expect, test } from "vitest";
import { columnsOf, eventOfRow, parseColumnMap, type MappedEvent } from "../../../src/files/column-map.ts";

const MAP = `
source: { column: Region }
id: { template: "{Region}-{row}" }
type: vm.used
subject: acme
time: { column: At, timeZone: Europe/Berlin }
data:
  hours: { column: Hours, as: number }
  sku: { column: Sku }
  plan: basic
missing: ["", "NULL"]
`;

function eventOf(cells: Readonly<Record<string, string>>, map = MAP): MappedEvent {
  return eventOfRow(parseColumnMap(map, "map.yaml"), { number: 7, cells: new Map(Object.entries(cells)) });
}

const ROW = { Region: "eu", At: "2026-10-25 12:00:00.5000000", Hours: "0.10000000000000000001", Sku: 'a"b' };

describe("a column map", () => {
  // Guarantee: digits reach the event as they stand in the file.
  test("makes an event with numbers digit for digit and times in UTC", () => {
    expect(eventOf(ROW)).toEqual({
      source: "eu",
      id: "eu-7",
      text: '{"specversion":"1.0","id":"eu-7","source":"eu","type":"vm.used","subject":"acme","time":"2026-10-25T11:00:00.500Z","data":{"hours":0.10000000000000000001,"sku":"a\\"b","plan":"basic"}}',
    });
  });

  test("leaves missing data out, but not a missing identity or time", () => {
    expect(eventOf({ ...ROW, Sku: "NULL" })).toHaveProperty("text", expect.not.stringContaining("sku"));
    expect(eventOf({ ...ROW, Region: "NULL" })).toEqual({
      problem: "id is missing: the template {Region}-{row} is empty",
    });
    expect(eventOf({ ...ROW, At: "" })).toEqual({ problem: "time is missing: the column At is empty" });
  });

  test("names a cell that is no number or no time", () => {
    expect(eventOf({ ...ROW, Hours: "1,5" })).toEqual({ problem: 'data.hours is "1,5": not a number' });
    expect(eventOf({ ...ROW, At: "yesterday" })).toHaveProperty(
      "problem",
      expect.stringContaining('time is "yesterday"'),
    );
  });

  test("says which columns it needs", () => {
    expect(columnsOf(parseColumnMap(MAP, "map.yaml"))).toEqual(["Region", "At", "Hours", "Sku"]);
  });

  // Guarantee: a row without a column that identifies it has the same id whenever it is published, and another one than its neighbours.
  test("identifies a row by its cells and its number", () => {
    const map = parseColumnMap(MAP.replace("{Region}-{row}", "{rowHash}-{row}"), "map.yaml");
    const idOf = (number: number, cells: Readonly<Record<string, string>>): string => {
      const event = eventOfRow(map, { number, cells: new Map(Object.entries(cells)) });
      return "text" in event ? (JSON.parse(event.text) as { readonly id: string }).id : event.problem;
    };
    const id = idOf(1, ROW);
    expect(id).toMatch(/^[0-9a-f]{24}-1$/);
    expect(idOf(1, ROW)).toBe(id);
    expect(idOf(2, ROW)).toBe(id.replace(/1$/, "2"));
    expect(idOf(1, { ...ROW, Hours: "0.1" })).not.toBe(id);
    expect(idOf(1, { ...ROW, Region: "e", Sku: `u${ROW.Sku}` })).not.toBe(id);
    expect(columnsOf(map)).not.toContain("rowHash");
  });

  // Guarantee: every problem of a map is reported at once, by field.
  test("reports all its problems at once", () => {
    expect(() => parseColumnMap("source: 1\nid: x\ntype: y\nextra: z\n", "map.yaml")).toThrow(
      /source: write a text[^]*subject: write a text[^]*extra/,
    );
  });
});
