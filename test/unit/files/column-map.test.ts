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

  // Guarantee: every problem of a map is reported at once, by field.
  test("reports all its problems at once", () => {
    expect(() => parseColumnMap("source: 1\nid: x\ntype: y\nextra: z\n", "map.yaml")).toThrow(
      /source: write a text[^]*subject: write a text[^]*extra/,
    );
  });
});
