import { expect, test } from "vitest";
import { canonicalJson, keptJson } from "../../../src/kernel/canonical-json.ts";

test("members are sorted by code unit, and undefined ones left out", () => {
  const value = { b: 1, a: [{ d: undefined, c: "é\n" }], B: null, "": {} };
  expect(canonicalJson(value)).toBe('{"":{},"B":null,"a":[{"c":"é\\n"}],"b":1}');
});

// Guarantee: a text that is kept can never differ from its value.
test("what is kept reads the same wherever it stands, and cannot change any more", () => {
  const tier = { upTo: "1", unitAmount: "2" };
  const price = keptJson({ tiers: [tier], model: "graduated" });
  const json = '{"model":"graduated","tiers":[{"unitAmount":"2","upTo":"1"}]}';
  expect([canonicalJson(price), canonicalJson([price, price])]).toEqual([json, `[${json},${json}]`]);
  expect(() => {
    tier.upTo = "3";
  }).toThrow(TypeError);
  expect(() => price.tiers.push(tier)).toThrow(TypeError);
});
