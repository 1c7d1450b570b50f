/** Rows that show every boundary of the encoding of `usage_ingest`. */
import { VERDICTS, type UsageRow } from "../../src/domain/usage-event.ts";
import type { Retraction } from "../../src/domain/usage-retraction.ts";
import { instantOf } from "../../src/kernel/instant.ts";

const LARGEST_QUANTITY = 10n ** 38n - 1n;
/** Lengths around those of one and two byte length prefixes, and around where short texts end. */
const LENGTHS = [0, 1, 47, 48, 49, 85, 127, 128, 129, 16_383, 16_384, 100_000];
const UNITS = ["a", "é", "€", "😀", "\u0000"];

export function usageRowOf(members: Partial<UsageRow>): UsageRow {
  return {
    shard: 0,
    incarnation: 1n,
    seq: 1,
    position: 0,
    batchFirst: 1,
    cut: 1,
    subject: "usage.gw",
    ingestedAt: 0n,
    source: "gw",
    id: "e",
    type: "t",
    customer: "acme",
    eventTime: 0n,
    verdict: "accepted",
    reason: "",
    detail: "",
    eventKey: 0n,
    bodyHash: 0n,
    raw: new Uint8Array(0),
    uses: [],
    retraction: undefined,
    ...members,
  };
}

export function boundaryRows(): UsageRow[] {
  const quantities = [
    0n,
    1n,
    -1n,
    10n ** 18n,
    2n ** 63n,
    -(2n ** 63n),
    2n ** 64n - 1n,
    -(2n ** 64n),
    LARGEST_QUANTITY,
    -LARGEST_QUANTITY,
  ];
  const extremes = usageRowOf({
    shard: 65_535,
    incarnation: 2n ** 64n - 1n,
    seq: Number.MAX_SAFE_INTEGER,
    position: 2 ** 32 - 1,
    batchFirst: 2 ** 32,
    cut: 2 ** 32 - 1,
    ingestedAt: instantOf("2262-04-11T23:47:16.854775807Z", "latest"),
    eventTime: instantOf("1970-01-01T00:00:00.000000001Z", "earliest"),
    eventKey: 2n ** 128n - 1n,
    bodyHash: 2n ** 64n,
    raw: Uint8Array.from({ length: 256 }, (_, byte) => byte),
    uses: quantities.map((quantity, index) => ({
      meter: `m${index}`,
      aggregation: index % 2 === 0 ? "sum" : "unique_count",
      quantity,
      text: `text ${index}`,
      dimensions: Array.from({ length: index }, (_, position) => ({
        name: `d${position}`,
        value: `wert-é-${position}`,
      })),
    })),
  });
  const retraction: Retraction = {
    targetKey: 2n ** 127n,
    targetId: "é".repeat(100),
    customer: "acme",
    eventTime: instantOf("2262-04-11T23:47:16.854775807Z", "latest"),
    uses: extremes.uses.slice(3),
    retracts: Array.from({ length: 200 }, (_, index) => ({
      meter: `m${index}`,
      customer: "wert-é",
      windowStart: 4_294_967_295 - index * 900,
      incarnation: 2n ** 64n - 1n,
      seq: Number.MAX_SAFE_INTEGER,
      position: 2 ** 32 - 1,
    })),
  };
  const retractions = [
    usageRowOf({ retraction }),
    usageRowOf({ retraction: { ...retraction, customer: "", eventTime: 0n, uses: [], retracts: [] } }),
  ];
  const verdicts = VERDICTS.map((verdict) => usageRowOf({ verdict, reason: "too_deep", detail: "why" }));
  const texts = LENGTHS.flatMap((length) =>
    UNITS.map((unit) => usageRowOf({ id: unit.repeat(length), raw: new Uint8Array(length).fill(7) })),
  );
  return [extremes, ...retractions, ...verdicts, ...texts];
}
