import { describe, expect, it } from "vitest";
import type { EncodedText, JsonLayout, TextPlace } from "../../../src/kernel/json-layout.ts";
import type { JsonObject } from "../../../src/kernel/json-tree.ts";
import { JsonNumber } from "../../../src/kernel/json-tree.ts";
import { learnLayout } from "../../../src/kernel/learn-layout.ts";
import { present } from "../../../src/kernel/assert.ts";

const NONE: ReadonlySet<string> = new Set();
const FIRST: TextPlace = { byte: 0, character: 0 };

function encoded(text: string): EncodedText {
  return { text, bytes: new TextEncoder().encode(text) };
}

function layoutOf(text: string, same = NONE): JsonLayout {
  return present(learnLayout(encoded(text).bytes, same), "a layout");
}

/** The layout of one text, reading another one. */
function reading(learned: string, text: string): JsonLayout {
  const layout = layoutOf(learned);
  expect(layout.fits(encoded(text), FIRST)).toBe(true);
  return layout;
}

describe("JsonLayout", () => {
  const LEARNED = '{"b":"x","a":{"n":1,"list":[1,"y",null],"yes":true},"":"z"}';
  const OTHER = '{"b":"another one","a":{"n":-12.50e+3,"list":[0.1,"",null],"yes":true},"":"!"}';

  it("reads the values of another text, numbers as they are written", () => {
    const layout = reading(LEARNED, OTHER);
    expect(layout.end).toBe(OTHER.length);
    expect(layout.get("b")).toBe("another one");
    expect(layout.get("")).toBe("!");
    expect(layout.get("c")).toBeUndefined();
    expect(layout.at(["a", "n"])).toEqual(new JsonNumber("-12.50e+3"));
    expect(layout.at(["a", "list", "0"])).toEqual(new JsonNumber("0.1"));
    expect(layout.at(["a", "list", "00"])).toBeUndefined();
    expect(layout.at(["a", "list", "2"])).toBeNull();
    expect(layout.at(["a", "yes"])).toBe(true);
    expect(layout.at(["a", "yes", "more"])).toBeUndefined();
    expect((layout.get("a") as JsonObject).names).toEqual(["n", "list", "yes"]);
    expect((layout.at([]) as JsonObject).get("b")).toBe("another one");
  });

  it("writes canonical JSON: names in their order, no spaces, numbers as they are written", () => {
    const layout = reading(
      '{ "d" : { "b" : [ 1 , "x" ], "a" : 1 } }',
      '{ "d" : { "b" : [ 1.0 , "y z" ], "a" : 2e1 } }',
    );
    expect(layout.canonicalOf("d")).toBe('{"a":2e1,"b":[1.0,"y z"]}');
    expect(layout.canonicalOf("absent")).toBe("null");
    expect(reading('{"d":null}', '{"d":null}').canonicalOf("d")).toBe("null");
    expect(reading('{"d":{}}', '{"d":{}}').canonicalOf("d")).toBe("{}");
  });

  it("writes more than its first memory holds", () => {
    const long = "x".repeat(40_000);
    expect(reading('{"d":["",1]}', `{"d":["${long}",2]}`).canonicalOf("d")).toBe(`["${long}",2]`);
    expect(reading('{"d":"a"}', '{"d":"b"}').canonicalOf("d")).toBe('"b"');
  });

  it("reads a text that begins behind others, of which some are no ASCII", () => {
    const before = '[{"a":"ä€😀"},';
    const message = encoded(`${before}{"a":"b"}]`);
    const character = before.length;
    const byte = character + 1 + 2 + 2;
    const layout = layoutOf('{"a":"x"}');
    expect(layout.fits(message, { byte: character, character })).toBe(false);
    expect(layout.fits(message, { byte, character })).toBe(true);
    expect(layout.get("a")).toBe("b");
    expect(layout.end).toBe(message.bytes.length - 1);
  });

  it("makes an object once, however many ask for it, and anew for the next text", () => {
    const layout = layoutOf('{"a":{"b":[1]}}');
    expect(layout.fits(encoded('{"a":{"b":[2]}}'), FIRST)).toBe(true);
    const made = layout.get("a");
    expect(layout.at(["a"])).toBe(made);
    expect(layout.fits(encoded('{"a":{"b":[3]}}'), FIRST)).toBe(true);
    expect(layout.at(["a", "b"])).toEqual([new JsonNumber("3")]);
    expect(layout.get("a")).not.toBe(made);
  });

  it("keeps the strings that belong to it", () => {
    const layout = layoutOf('{"type":"a","in":{"type":"a"}}', new Set(["type"]));
    expect(layout.fits(encoded('{"type":"b","in":{"type":"a"}}'), FIRST)).toBe(false);
    expect(layout.fits(encoded('{"type":"a","in":{"type":"b"}}'), FIRST)).toBe(true);
    expect(layout.get("type")).toBe("a");
    expect(layout.at(["in", "type"])).toBe("b");
  });

  it.each([
    ["another name", '{"b":"x","n":1,"t":true}'],
    ["another order", '{"n":1,"a":"x","t":true}'],
    ["another space", '{"a": "x","n":1,"t":true}'],
    ["one more member", '{"a":"x","n":1,"t":true,"m":1}'],
    ["one member less", '{"a":"x","n":1}'],
    ["a number for a string", '{"a":1,"n":1,"t":true}'],
    ["a string for a number", '{"a":"x","n":"1","t":true}'],
    ["another literal", '{"a":"x","n":1,"t":false}'],
    ["an escape", '{"a":"\\n","n":1,"t":true}'],
    ["a letter that is no ASCII", '{"a":"ä","n":1,"t":true}'],
    ["a control character", '{"a":"\u007f","n":1,"t":true}'],
    ["a line break", '{"a":"\n","n":1,"t":true}'],
    ["a string without end", '{"a":"x'],
    ["nothing", ""],
    ...["01", "1.", "-", "+1", ".5", "1e", "1e+", "0x1", "1 2", "1_0", "--1", "NaN"].map((number) => [
      `the number ${number}`,
      `{"a":"x","n":${number},"t":true}`,
    ]),
  ])("leaves a text with %s alone", (_, text) => {
    expect(layoutOf('{"a":"x","n":1,"t":true}').fits(encoded(text), FIRST)).toBe(false);
  });

  it("is learned from as many values and names as another text may have in the same places", () => {
    const values = JSON.stringify({ a: Array(199).fill(1) });
    expect(reading(values, values).at(["a", "198"])).toEqual(new JsonNumber("1"));
    const name = "a".repeat(16_384 - '{"":}'.length);
    expect(reading(`{"${name}":1}`, `{"${name}":2}`).get(name)).toEqual(new JsonNumber("2"));
  });

  it.each([
    ["an array", "[1]"],
    ["an escape in a string", '{"a":"\\u0041"}'],
    ["an escape in a name", '{"\\u0041":1}'],
    ["a name that is no ASCII", '{"ä":1}'],
    ["a string that is no ASCII", '{"a":"ä"}'],
    ["a string of its own that has an escape", '{"type":"\\t"}'],
    ["more values than another text will have in the same places", JSON.stringify({ a: Array(200).fill(1) })],
    ["more literals", JSON.stringify({ a: Array(200).fill(true) })],
    ["more names", JSON.stringify({ ["a".repeat(16_380)]: 1 })],
    ["more white space", `{"a":1${" ".repeat(1_000_000)}}`],
    ["no end", '{"a":1'],
    ["no value", '{"a":}'],
    ["no colon", '{"a"1}'],
    ["no bracket", '{"a":[1}'],
  ])("is not learned from a text with %s", (_, text) => {
    expect(learnLayout(encoded(text).bytes, new Set(["type"]))).toBeUndefined();
  });
});
