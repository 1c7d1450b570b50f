import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseExactJson } from "../../../../src/kernel/exact-json.ts";
import { compileSchema, type CompiledSchema } from "../../../../src/kernel/json-schema/compile-schema.ts";
import type { JsonValue } from "../../../../src/kernel/json-tree.ts";

/** Through an element of an array, so that lists are values too. */
function exact(text: string): JsonValue {
  const document = parseExactJson(`[${text}]`, 2);
  if ("error" in document) throw new Error(`${text}: ${document.error}`);
  return document.elements[0]?.value ?? null;
}

function compiled(schema: string): CompiledSchema {
  const result = compileSchema(exact(schema));
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result;
}

/** Pointer and message of what is wrong, empty when nothing is. */
function failureOf(schema: string, value: string, stepsMax = 10_000): string {
  const failure = compiled(schema).check(exact(value), stepsMax);
  return failure === undefined ? "" : `${failure.path.map((part) => `/${part}`).join("")} ${failure.message}`;
}

function problemsOf(schema: string): string[] {
  const result = compileSchema(exact(schema));
  return "problems" in result ? result.problems.map(({ path, message }) => `/${path.join("/")}: ${message}`) : [];
}

describe("numbers", () => {
  // Guarantee: what binary floating point would blur is told apart, and what it would tell apart though equal is equal.
  it.each([
    ['{"maximum": 9007199254740992}', "9007199254740993", false],
    ['{"maximum": 0.3}', "0.30000000000000001", false],
    ['{"minimum": 10000000000000000000000000000000000000001}', "1e40", false],
    ['{"exclusiveMinimum": 1e400}', "1e400", false],
    ['{"exclusiveMinimum": 1e400}', "1.0000000001e400", true],
    ['{"minimum": 0}', "-1e-400", false],
    ['{"exclusiveMaximum": 0}', "-0.0", false],
    ['{"maximum": -5}', "-4.9999999999999999999999", false],
    ['{"multipleOf": 0.01}', "4.35", true],
    ['{"multipleOf": 0.1}', "0.30000000000000004", false],
    ['{"multipleOf": 3}', "1e999999999999999999", false],
    ['{"multipleOf": 7e-3}', "123456789012345678901234567890.001", false],
    ['{"multipleOf": 7e-3}', "0.7e30", true],
    ['{"type": "integer"}', "1.0", true],
    ['{"type": "integer"}', "15e-1", false],
    ['{"type": "integer"}', "12345678901234567890123456789012345678901234567890", true],
    ['{"const": 1.50}', "15e-1", true],
    ['{"const": 9007199254740992}', "9007199254740993", false],
    ['{"enum": [1, 2.0]}', "2", true],
    ['{"uniqueItems": true}', "[1, 1.0]", false],
    ['{"uniqueItems": true}', "[9007199254740992, 9007199254740993]", true],
    ['{"uniqueItems": true}', '[{"a":1,"b":2},{"b":2e0,"a":1}]', false],
    ['{"minItems": 2.0}', "[1]", false],
    ['{"type": "number"}', '"1"', false],
    ['{"maximum": 5}', "1e9999999999999999999", false],
    ['{"maximum": 5}', "0e9999999999999999999", true],
  ])("%s takes %s: %s", (schema, value, fits) => {
    expect(failureOf(schema, value) === "").toBe(fits);
  });

  it("are compared and divided as integers of any size are", () => {
    const scaled = fc.tuple(fc.bigInt(-(10n ** 40n), 10n ** 40n), fc.integer({ min: 0, max: 20 }));
    const text = ([digits, places]: readonly [bigint, number]): string => `${digits}e-${places}`;
    const at = ([digits, places]: readonly [bigint, number]): bigint => digits * 10n ** BigInt(20 - places);
    fc.assert(
      fc.property(scaled, scaled, (value, bound) => {
        expect(failureOf(`{"maximum": ${text(bound)}}`, text(value)) === "").toBe(at(value) <= at(bound));
        expect(failureOf(`{"exclusiveMinimum": ${text(bound)}}`, text(value)) === "").toBe(at(value) > at(bound));
        expect(failureOf(`{"const": ${text(bound)}}`, text(value)) === "").toBe(at(value) === at(bound));
        if (bound[0] <= 0n) return;
        expect(failureOf(`{"multipleOf": ${text(bound)}}`, text(value)) === "").toBe(at(value) % at(bound) === 0n);
        const product = text([value[0] * bound[0], bound[1]]);
        expect(failureOf(`{"multipleOf": ${text(bound)}}`, product)).toBe("");
      }),
    );
  });

  it("of a million digits take a moment", () => {
    const many = "7".repeat(1_000_000);
    expect(failureOf('{"multipleOf": 7, "minimum": 7, "type": "integer"}', many)).toBe("");
    expect(failureOf('{"multipleOf": 6}', many)).toBe(" must be a multiple of 6");
    expect(failureOf('{"maximum": 6}', `1e${many}`)).toBe(" has an exponent of more than 18 digits");
  });
});

describe("a value that does not fit", () => {
  const usage = `{"type":"object","required":["model","tokens"],"additionalProperties":false,"properties":{
    "model":{"enum":["small","large"]},"tokens":{"type":"integer","minimum":0},"note":{"type":["string","null"],"maxLength":3},
    "parts":{"type":"array","items":{"$ref":"#/$defs/part"},"maxItems":2}},
    "$defs":{"part":{"type":"object","required":["a/b"],"propertyNames":{"maxLength":3}}}}`;
  it.each([
    ['{"model":"small","tokens":1,"note":null,"parts":[{"a/b":1}]}', ""],
    ['{"model":"small","tokens":1,"note":"🙂🙂🙂"}', ""],
    ["7", " must be an object, is number"],
    ['{"model":"small"}', "/tokens is missing"],
    ['{"model":"huge","tokens":1}', '/model must be one of "small", "large"'],
    ['{"model":"small","tokens":"1"}', "/tokens must be an integer, is string"],
    ['{"model":"small","tokens":1.5}', "/tokens must be an integer, is 1.5"],
    ['{"model":"small","tokens":-1}', "/tokens must be at least 0"],
    ['{"model":"small","tokens":1,"Note":1}', "/Note is not among the properties"],
    ['{"model":"small","tokens":1,"note":7}', "/note must be a string or null, is number"],
    ['{"model":"small","tokens":1,"note":"🙂🙂🙂🙂"}', "/note must have at most 3 characters"],
    ['{"model":"small","tokens":1,"parts":[{"a/b":1},{}]}', "/parts/1/a/b is missing"],
    ['{"model":"small","tokens":1,"parts":[1,2,3]}', "/parts must have at most 2 items"],
    [
      '{"model":"small","tokens":1,"parts":[{"a/b":1,"long":2}]}',
      '/parts/0 the name "long" must have at most 3 characters',
    ],
  ])("%s: %s", (value, failure) => {
    expect(failureOf(usage, value)).toBe(failure);
  });

  it.each([
    ['{"allOf":[{"minimum":1},{"maximum":3}]}', "4", " must be at most 3"],
    ['{"anyOf":[{"type":"string"},{"minimum":2}]}', "1", " must fit one of 2 schemas (anyOf), fits none"],
    ['{"oneOf":[{"minimum":1},{"minimum":2}]}', "3", " must fit exactly one of 2 schemas (oneOf), fits 2"],
    ['{"not":{"type":"null"}}', "null", " must not fit the schema in not"],
    ['{"if":{"minimum":5},"then":{"multipleOf":5},"else":{"multipleOf":2}}', "6", " must be a multiple of 5"],
    ['{"if":{"minimum":5},"then":{"multipleOf":5},"else":{"multipleOf":2}}', "3", " must be a multiple of 2"],
    ['{"dependentRequired":{"a":["b"]}}', '{"a":1}', "/b is missing"],
    ['{"dependentSchemas":{"a":{"maxProperties":1}}}', '{"a":1,"b":2}', " must have at most 1 properties"],
    ['{"prefixItems":[{"type":"string"}],"items":false}', '["a",1]', "/1 is not allowed"],
    ['{"contains":{"const":1},"minContains":2}', "[1,2]", " must contain at least 2 items that fit, has 1"],
    ['{"contains":{"const":1},"maxContains":1}', "[1,1]", " must contain at most 1 items that fit, has 2"],
  ])("%s does not take %s", (schema, value, failure) => {
    expect(failureOf(schema, value)).toBe(failure);
  });
});

describe("a schema that is refused", () => {
  it.each([
    ['{"pattern":"(a+)+$"}', "/pattern: is not supported: a regular expression"],
    ['{"properties":{"a":{"format":"date"}}}', "/properties/a/format: is not supported"],
    ['{"$ref":"https://example.com/schema"}', "/$ref: must name a schema in this one"],
    ['{"$ref":"#/$defs/none"}', "/$ref: must name a schema in this one"],
    ['{"$schema":"http://json-schema.org/draft-07/schema#"}', "/$schema: must be"],
    ['{"requird":["a"]}', "/requird: is no keyword that is supported; did you mean required?"],
    ['{"type":"text"}', "/type: must be one or a list of"],
    ['{"minimum":"1"}', "/minimum: must be a number"],
    ['{"multipleOf":0}', "/multipleOf: must be a number greater than 0"],
    ['{"maxLength":-1}', "/maxLength: must be an integer from 0"],
    ['{"items":[{}]}', "/items: must be a schema: a list of them is prefixItems"],
    ['{"properties":{"a":7}}', "/properties/a: must be a schema: an object, true or false"],
    ['{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}}}', "/: #/$defs/a refers to itself"],
    ['{"unevaluatedProperties":false}', "/unevaluatedProperties: is not supported; use additionalProperties"],
  ])("%s: %s", (schema, problem) => {
    expect(problemsOf(schema)).toEqual([expect.stringContaining(problem)]);
  });

  it("is told everything that is wrong with it at once", () => {
    expect(problemsOf('{"type":"x","properties":{"a":{"minimum":"1"},"b":{"format":"date"}}}')).toHaveLength(3);
  });
});

describe("a schema that branches", () => {
  const tree =
    '{"anyOf":[{"required":["x"]},{"properties":{"n":{"$ref":"#"}}},{"properties":{"n":{"$ref":"#"}},"minProperties":9}]}';
  const deep = (levels: number): string => `${'{"n":'.repeat(levels)}7${"}".repeat(levels)}`;

  // Guarantee: no event makes the writer work for ever, whatever the schema is.
  it("is cut off after a number of steps, with the same answer each time", () => {
    expect(failureOf(tree, deep(2))).toBe("");
    const bomb = '{"not":{"anyOf":[{"properties":{"n":{"$ref":"#"}}},{"properties":{"n":{"$ref":"#"}}}]}}';
    expect(failureOf(bomb, deep(40), 10_000)).toBe(" takes more than 10000 steps to check");
    expect(failureOf(tree, deep(40), 10_000)).toBe(" takes more than 10000 steps to check");
  });

  it("may refer to itself as long as it goes into the value", () => {
    const list = '{"type":"object","required":["v"],"properties":{"v":{"type":"integer"},"next":{"$ref":"#"}}}';
    expect(failureOf(list, '{"v":1,"next":{"v":2}}')).toBe("");
    expect(failureOf(list, '{"v":1,"next":{"v":2,"next":{}}}')).toBe("/next/next/v is missing");
  });
});
