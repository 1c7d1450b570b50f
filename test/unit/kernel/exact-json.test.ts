import { describe, expect, it } from "vitest";
import { canonicalJsonOf } from "../../../src/kernel/canonical-json-tree.ts";
import { JSON_DEPTH_MAX, parseExactJson, type JsonDocument } from "../../../src/kernel/exact-json.ts";
import { JsonNumber, type JsonObject } from "../../../src/kernel/json-tree.ts";

const MANY = 10_000;

function documentOf(text: string): JsonDocument {
  const document = parseExactJson(text, MANY);
  if ("error" in document) throw new Error(`${document.error} at ${document.at}`);
  return document;
}

describe("parseExactJson", () => {
  // Guarantee: a number reaches the meter with every digit that the producer wrote.
  it.each(["0", "-0", "1.50", "1e400", "1E+2", "0.1234567890123456789012345678901234567890", "9007199254740993"])(
    "keeps the number %s as written",
    (text) => {
      expect(documentOf(text).elements[0]?.value).toEqual(new JsonNumber(text));
    },
  );

  it("gives the slice of each element of a top-level array", () => {
    const text = ' [ {"a":1} ,\n"é😀", [2] ] ';
    const { kind, elements } = documentOf(text);
    expect(kind).toBe("array");
    expect(elements.map(({ start, end }) => text.slice(start, end))).toEqual(['{"a":1}', '"é😀"', "[2]"]);
  });

  it("reads every escape", () => {
    expect(documentOf(String.raw`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000"`).elements[0]?.value).toBe(
      '"\\/\b\f\n\r\té😀\u0000',
    );
  });

  it.each([
    ["nothing", "", "empty", 0],
    ["white space only", " \n\t\r", "empty", 0],
    ["a comma too many", '{"a":1,}', "invalid_json", 7],
    ["an array's comma too many", "[1,]", "invalid_json", 3],
    ["an unclosed object", '{"a":1', "invalid_json", 6],
    ["an unclosed array", "[1", "invalid_json", 2],
    ["an unclosed string", '"abc', "invalid_json", 4],
    ["a second value", "1 2", "invalid_json", 2],
    ["a name without quotes", "{a:1}", "invalid_json", 1],
    ["a missing colon", '{"a" 1}', "invalid_json", 5],
    ["NaN", "NaN", "invalid_json", 0],
    ["Infinity", "-Infinity", "invalid_json", 1],
    ["a leading zero", "01", "invalid_json", 0],
    ["a leading plus", "+1", "invalid_json", 0],
    ["a bare point", "1.", "invalid_json", 1],
    ["no integer digits", ".5", "invalid_json", 0],
    ["an empty exponent", "1e", "invalid_json", 1],
    ["hexadecimal", "0x10", "invalid_json", 1],
    ["half a literal", "tru", "invalid_json", 0],
    ["a raw control character in a string", '"a\u0000b"', "invalid_json", 2],
    ["a raw line break in a string", '"a\nb"', "invalid_json", 2],
    ["a NUL between values", "[1,\u00002]", "invalid_json", 3],
    ["an unknown escape", String.raw`"\x41"`, "invalid_json", 1],
    ["an escape named like a prototype's member", String.raw`"\constructor"`, "invalid_json", 1],
    ["a short unicode escape", String.raw`"\u12"`, "invalid_json", 1],
    ["a byte order mark", "\ufeff1", "invalid_json", 0],
    ["a comment", "/* */1", "invalid_json", 0],
  ])("refuses %s and says where", (_, text, error, at) => {
    expect(parseExactJson(text, MANY)).toEqual({ error, at });
  });

  it("notes a name that comes twice, also deep inside and also when written with an escape", () => {
    expect(documentOf(String.raw`{"a":1,"b":{"x":1,"\u0078":2}}`).elements[0]?.flaw).toEqual({
      error: "duplicate_key",
      at: 18,
    });
  });

  it("notes a name that comes twice among many", () => {
    const members = Array.from({ length: 100 }, (_, index) => `"n${index}":${index}`);
    expect(documentOf(`{${members.join(",")}}`).elements[0]?.flaw).toBeUndefined();
    expect(documentOf(`{${[...members, '"n57":0'].join(",")}}`).elements[0]?.flaw?.error).toBe("duplicate_key");
  });

  // Guarantee: what was read before makes no other reading.
  it.each([
    ["a quote", String.raw`{"a\"b":1}`, '{"a"b":1}'],
    ["a backslash", String.raw`{"a\\":1}`, String.raw`{"a\":1}`],
    ["a line break", String.raw`{"a\nb":1}`, '{"a\nb":1}'],
  ])("refuses %s in a name after the same name with an escape", (_, escaped, bare) => {
    expect(documentOf(escaped).elements).toHaveLength(1);
    expect(parseExactJson(bare, 1)).toMatchObject({ error: "invalid_json" });
  });

  it("notes half of a surrogate pair, in a value and in a name", () => {
    expect(documentOf(String.raw`"\ud83d"`).elements[0]?.flaw?.error).toBe("lone_surrogate");
    expect(documentOf(String.raw`{"\ude00\ud83d":1}`).elements[0]?.flaw?.error).toBe("lone_surrogate");
  });

  // Guarantee: one bad event does not take its neighbours down.
  it("leaves the other elements of an array without the flaw", () => {
    const { elements } = documentOf('[{"a":1},{"a":1,"a":2},{"a":3}]');
    expect(elements.map(({ flaw }) => flaw?.error)).toEqual([undefined, "duplicate_key", undefined]);
  });

  it("bounds the depth, alone as in an array, instead of exhausting the stack", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(parseExactJson(`{"a":${nested(JSON_DEPTH_MAX - 1)}}`, MANY)).toHaveProperty("kind", "single");
    expect(parseExactJson(`[{"a":${nested(JSON_DEPTH_MAX - 1)}}]`, MANY)).toHaveProperty("kind", "array");
    expect(parseExactJson(`{"a":${nested(JSON_DEPTH_MAX)}}`, MANY)).toHaveProperty("error", "too_deep");
    expect(parseExactJson(nested(1_000_000), MANY)).toHaveProperty("error", "too_deep");
    expect(parseExactJson('{"a":'.repeat(1_000_000), MANY)).toHaveProperty("error", "too_deep");
  });

  it("stops at the limit of elements", () => {
    expect(parseExactJson("[1,2,3]", 3)).toHaveProperty("kind", "array");
    expect(parseExactJson("[1,2,3,4]", 3)).toHaveProperty("error", "too_many_elements");
  });

  // Guarantee: names of JavaScript's own objects are ordinary names.
  it("finds members by name and nothing else", () => {
    const object = documentOf('{"__proto__":1,"toString":2}').elements[0]?.value as JsonObject;
    expect(object.get("__proto__")).toEqual(new JsonNumber("1"));
    expect(object.get("toString")).toEqual(new JsonNumber("2"));
    expect(object.get("hasOwnProperty")).toBeUndefined();
  });
});

describe("canonicalJsonOf", () => {
  it.each([2, 3, 16, 17, 40])("sorts %i names by code unit", (count) => {
    const names = Array.from({ length: count }, (_, position) => ((position * 7) % 41).toString(36));
    const document = parseExactJson(`{${names.map((name) => `"n${name}":1`).join(",")}}`, 1);
    if ("error" in document) throw new Error(document.error);
    const sorted = names.map((name) => `"n${name}":1`).sort();
    expect(canonicalJsonOf(document.elements[0]?.value ?? null)).toBe(`{${sorted.join(",")}}`);
  });

  it("sorts names, drops white space and escapes, and keeps numbers as written", () => {
    const [element] = documentOf(
      String.raw`{ "b" : [ 1.50, true, null ], "a" : "\u0041\n\"", "Z": {"y": 1e3, "x": -0} }`,
    ).elements;
    expect(canonicalJsonOf(element?.value ?? null)).toBe(
      String.raw`{"Z":{"x":-0,"y":1e3},"a":"A\n\"","b":[1.50,true,null]}`,
    );
  });
});
