import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { producerTokenOf, producerTokenOfSubject, sourceOfProducerToken } from "../../../src/domain/producer-token.ts";

describe("producer tokens", () => {
  it.each([
    ["gateway/eu", "gateway~2Feu"],
    ["plain-Name_9", "plain-Name_9"],
    ["a.b c*>", "a~2Eb~20c~2A~3E"],
    ["~", "~7E"],
    ["é", "~C3~A9"],
    ["😀", "~F0~9F~98~80"],
  ])("writes the source %s as %s and back", (source, token) => {
    expect(producerTokenOf(source)).toBe(token);
    expect(sourceOfProducerToken(token)).toBe(source);
  });

  it("gives every source one token, which NATS takes as one token, and the source back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (source) => {
        const token = producerTokenOf(source);
        expect(token).toMatch(/^[A-Za-z0-9_~-]+$/);
        expect(sourceOfProducerToken(token)).toBe(source);
      }),
    );
  });

  // Guarantee: a source has one spelling only, because the spelling decides the shard.
  it.each(["", "a~2feu", "a~2", "~41", "~FF", "a b", "a~GG", "a~2E~", "é"])("refuses the token %s", (token) => {
    expect(sourceOfProducerToken(token)).toBeUndefined();
  });

  it.each([
    ["usage.gw", "gw"],
    ["usage.gw.acme.llm", "gw"],
    ["usage", ""],
    ["usage.", ""],
  ])("finds the token of the subject %s", (subject, token) => {
    expect(producerTokenOfSubject(subject)).toBe(token);
  });
});
