import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJsonOf } from "../../../src/kernel/canonical-json-tree.ts";
import { canonicalJson } from "../../../src/kernel/canonical-json.ts";
import { parseExactJson } from "../../../src/kernel/exact-json.ts";
import { JsonNumber, JsonObject, type JsonValue } from "../../../src/kernel/json-tree.ts";

const MANY = 10_000;
const wellFormed = fc.string({ unit: "binary" });
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    wellFormed,
    fc.integer(),
    fc.double({ noDefaultInfinity: true, noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value")),
    fc.dictionary(wellFormed, tie("value")),
  ),
})).value;

/** The tree as JSON.parse would have given it. */
function plain(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (value instanceof JsonObject) {
    return Object.fromEntries(value.names.map((name, position) => [name, plain(value.values[position] ?? null)]));
  }
  return Array.isArray(value) ? value.map((item: JsonValue) => plain(item)) : value;
}

function valueOf(text: string): unknown {
  const document = parseExactJson(text, MANY);
  if ("error" in document) return document;
  const values = document.elements.map(({ value }) => plain(value));
  return document.kind === "array" ? values : values[0];
}

/** An object as its text, some names with an escape in them. */
type Written = readonly (readonly [string, unknown, boolean])[];
const members = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom("a", "b", "ab", "", "__proto__", "toString", "1", "x".repeat(65)), wellFormed),
    fc.oneof(fc.integer(), wellFormed, fc.constant({ a: 1, b: [{ b: 2, a: 3 }] })),
    fc.boolean(),
  ),
  { maxLength: 20 },
);

function textOf(object: Written): string {
  const escaped = (name: string): string =>
    JSON.stringify(name).replace(/^"([a-z])/, (_, first: string) => `"\\u00${first.charCodeAt(0).toString(16)}`);
  return `{${object.map(([name, value, isEscaped]) => `${isEscaped ? escaped(name) : JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
}

describe("parseExactJson", () => {
  // Guarantee: what is remembered of earlier objects makes no other reading of later ones, whatever names they share.
  it("reads each of many objects as if it were the first", () => {
    fc.assert(
      fc.property(fc.array(members, { maxLength: 8 }), (objects) => {
        const document = parseExactJson(`[${objects.map(textOf).join(",")}]`, MANY);
        if ("error" in document) throw new Error(document.error);
        objects.forEach((object, position) => {
          const element = document.elements[position];
          const firsts = new Map([...object].reverse().map(([name, value]) => [name, value]));
          const names = [...new Set(object.map(([name]) => name))];
          expect(element?.flaw?.error).toBe(names.length === object.length ? undefined : "duplicate_key");
          const value = element?.value as JsonObject;
          expect(value.names).toEqual(names);
          expect(names.map((name) => plain(value.get(name) ?? null))).toEqual(names.map((name) => firsts.get(name)));
          expect(canonicalJsonOf(value)).toBe(canonicalJson(Object.fromEntries(firsts)));
        });
      }),
    );
  });

  it("reads what JSON.parse reads, with any spacing", () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, "\t", "\r\n "), (value, spacing) => {
        const text = JSON.stringify(value, undefined, spacing);
        expect(valueOf(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  // Guarantee: whatever a producer sends is read as JSON.parse would, or refused as JSON.parse would; there is no third way.
  it("accepts exactly the texts that JSON.parse accepts", () => {
    const mutated = fc
      .tuple(json, fc.nat(), fc.constantFrom("", ",", '"', "\\", "{", "}", "[", "]", "0", "-", ".", "e", " ", "\u0000"))
      .map(([value, at, piece]) => {
        const text = JSON.stringify(value);
        const position = at % (text.length + 1);
        return text.slice(0, position) + piece + text.slice(position + (piece === "" ? 1 : 0));
      });
    fc.assert(
      fc.property(
        fc.oneof(mutated, fc.string({ unit: fc.constantFrom(...Array.from('{}[]":,\\0129.-+eEtrufalsn \n')) })),
        (text) => {
          let expected = true;
          try {
            JSON.parse(text);
          } catch {
            expected = false;
          }
          expect(!("error" in parseExactJson(text, MANY))).toBe(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("never throws, whatever the bytes say", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void parseExactJson(text, MANY)));
  });

  it("cuts an array into slices that are its elements", () => {
    fc.assert(
      fc.property(fc.array(json), fc.constantFrom(undefined, 2), (values, spacing) => {
        const text = JSON.stringify(values, undefined, spacing);
        const document = parseExactJson(text, MANY);
        if ("error" in document) throw new Error(document.error);
        expect(document.elements.map(({ start, end }) => JSON.parse(text.slice(start, end)) as unknown)).toEqual(
          JSON.parse(text),
        );
      }),
    );
  });
});

describe("canonicalJsonOf", () => {
  // Guarantee: the body hash of an event equals that of any other spelling of the same data.
  it("agrees with the canonical JSON of plain data, whatever the order and spacing", () => {
    const text = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        wellFormed,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value")),
        fc.dictionary(wellFormed, tie("value")),
      ),
    })).value;
    fc.assert(
      fc.property(text, (value) => {
        const document = parseExactJson(JSON.stringify([value], undefined, 1), MANY);
        if ("error" in document) throw new Error(document.error);
        expect(canonicalJsonOf(document.elements[0]?.value ?? null)).toBe(
          canonicalJson(JSON.parse(JSON.stringify(value))),
        );
      }),
    );
  });
});
