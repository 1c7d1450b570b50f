import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hashedLine } from "../../../src/domain/rated-line-hash.ts";
import type { RatedLine } from "../../../src/domain/rated-line.ts";
import { canonicalJson } from "../../../src/kernel/canonical-json.ts";

const text = fc.string({ unit: "binary" });
const number = fc.nat();
const limits = fc.record({ conditions: fc.tuple(fc.tuple(text, fc.constant("in" as const), fc.array(text))) });
const range = fc.record({ shard: number, incarnation: text, firstSeq: text, lastSeq: text });
const lines: fc.Arbitrary<RatedLine> = fc.record(
  {
    ...{ runId: text, lineId: text, customer: text, contract: text, contractVersion: number, contractHash: text },
    ...{ rateCard: text, rateCardVersion: number, price: text, meter: text, aggregation: text },
    ...{ where: fc.dictionary(text, text), limits, description: text },
    ...{ billingFrom: text, billingTo: text, periodFrom: text, periodTo: text },
    ...{ quantity: text, amount: text, amountRounded: text, currency: text, eventCount: text },
    ...{ shardRanges: fc.array(range), eventsDigest: text, cut: number, catalogSeq: number, ratingRev: number },
    input: fc.record({
      ratingRev: number,
      currency: text,
      rounding: text,
      quantity: text,
      price: fc.record({ model: fc.constant("per_unit" as const), unitAmount: text }),
    }),
    breakdown: fc.array(fc.dictionary(text, text)),
  },
  {
    requiredKeys: [
      ...(["runId", "lineId", "customer", "contract", "contractVersion", "contractHash", "rateCard"] as const),
      ...(["rateCardVersion", "price", "meter", "aggregation", "where", "description", "billingFrom"] as const),
      ...(["billingTo", "periodFrom", "periodTo", "quantity", "amount", "amountRounded", "currency"] as const),
      ...(["eventCount", "shardRanges", "eventsDigest", "cut", "catalogSeq", "ratingRev", "input"] as const),
      "breakdown",
    ],
  },
);

// Guarantee: a line's hash is SHA-256 over its canonical JSON with each of its members, though the line is written member by member.
test("the hash is that of the line's canonical JSON", () => {
  fc.assert(
    fc.property(lines, (line) => {
      const { hash, input, breakdown } = hashedLine(line);
      expect(hash).toBe(createHash("sha256").update(canonicalJson(line)).digest("hex"));
      expect(input).toBe(canonicalJson(line.input));
      expect(breakdown).toBe(canonicalJson(line.breakdown));
    }),
  );
});
