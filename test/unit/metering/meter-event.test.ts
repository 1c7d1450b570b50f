import { describe, expect, it } from "vitest";
import type { Meter } from "../../../src/domain/meter.ts";
import { parseExactJson } from "../../../src/kernel/exact-json.ts";
import type { JsonObject } from "../../../src/kernel/json-tree.ts";
import { TreeMembers } from "../../../src/metering/event-members.ts";
import { meterEvent, type MeteredEvent } from "../../../src/metering/meter-event.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";

const ONE = 10n ** 18n;

/** Meters the data by one meter over the event type `t`. */
function meter(definition: Pick<Meter, "aggregation"> & Partial<Meter>, data: string): ReturnType<typeof meterEvent> {
  const catalog = compileMeteringCatalog(catalogOf({ meters: [{ key: "m", eventType: "t", ...definition }] }));
  const document = parseExactJson(`{"data":${data}}`, 1);
  if ("error" in document) throw new Error(document.error);
  return meterEvent(new TreeMembers(document.elements[0]?.value as JsonObject), catalog.metersByType.get("t") ?? []);
}

function metered(definition: Pick<Meter, "aggregation"> & Partial<Meter>, data: string): MeteredEvent {
  const result = meter(definition, data);
  if (result.kind === "rejection") throw new Error(result.reason);
  return result;
}

describe("meterEvent", () => {
  it.each([
    ["374", 374n * ONE],
    ['"12.50"', 12_500_000_000_000_000_000n],
    ["1.50", 1_500_000_000_000_000_000n],
    ["-2.5", -2_500_000_000_000_000_000n],
    ["-0", 0n],
    ["1e3", 1000n * ONE],
    ['"1e-18"', 1n],
    ["9007199254740993", 9_007_199_254_740_993n * ONE],
    ["0.1", ONE / 10n],
    ["99999999999999999999.999999999999999999", 10n ** 38n - 1n],
  ])("reads the value %s exactly", (text, quantity) => {
    for (const aggregation of ["sum", "min", "max", "latest", "time_weighted_sum"] as const) {
      expect(metered({ aggregation, value: "/data/n" }, `{"n":${text}}`).uses[0]?.quantity).toBe(quantity);
    }
  });

  it("counts one per event, without looking at any value", () => {
    expect(metered({ aggregation: "count" }, "null").uses).toEqual([
      { meter: "m", aggregation: "count", quantity: ONE, text: "", dimensions: [] },
    ]);
  });

  it.each([
    ['"u-1"', "u-1"],
    ["1.0", "1.0"],
  ])("takes the unique value %s by its text", (value, text) => {
    expect(metered({ aggregation: "unique_count", value: "/data/u" }, `{"u":${value}}`).uses[0]).toMatchObject({
      quantity: 0n,
      text,
    });
  });

  it("reads dimensions as text, sorted by name, missing ones empty", () => {
    const dimensions = {
      z: "/data/s",
      a: "/data/n",
      y: "/data/yes",
      n: "/data/no",
      m: "/data/none",
      b: "/data/absent/deep",
      i: "/data/list/1",
    };
    const { uses } = metered(
      { aggregation: "count", dimensions },
      '{"s":"x","n":1.50,"yes":true,"no":false,"none":null,"list":["p","q"]}',
    );
    expect(uses[0]?.dimensions.map(({ name, value }) => `${name}=${value}`)).toEqual([
      "a=1.50",
      "b=",
      "i=q",
      "m=",
      "n=false",
      "y=true",
      "z=x",
    ]);
  });

  it("follows pointers with escaped names, and takes indices only as RFC 6901 writes them", () => {
    const dimensions = {
      slash: "/data/a~1b",
      tilde: "/data/m~0n",
      empty: "/data/",
      zero: "/data/list/00",
      end: "/data/list/-",
      length: "/data/list/length",
    };
    const { uses } = metered({ aggregation: "count", dimensions }, '{"a/b":"1","m~n":"2","":"3","list":["p"]}');
    expect(Object.fromEntries(uses[0]?.dimensions.map(({ name, value }) => [name, value]) ?? [])).toEqual({
      slash: "1",
      tilde: "2",
      empty: "3",
      zero: "",
      end: "",
      length: "",
    });
  });

  it("leaves an event without the value out of a meter that skips", () => {
    const skip = { aggregation: "sum", value: "/data/n", whenMissing: "skip" } as const;
    expect(metered(skip, "{}")).toEqual({ kind: "metered", uses: [], skipped: "" });
    expect(metered(skip, '{"n":null}')).toEqual({ kind: "metered", uses: [], skipped: "" });
  });

  // Guarantee: skipping something wrong leaves a trace, because a typo there costs money.
  it("says so when a meter that skips left a wrong value out", () => {
    const skip = { aggregation: "sum", value: "/data/n", whenMissing: "skip" } as const;
    expect(metered(skip, '{"n":"many"}')).toEqual({
      kind: "metered",
      uses: [],
      skipped: 'skipped by meter m: "/data/n" is "many"',
    });
    expect(meter({ ...skip, dimensions: { d: "/data/d" } }, '{"n":1,"d":{}}')).toMatchObject({
      reason: "dimension_not_scalar",
    });
  });

  it("feeds every meter of the type, in the order of their keys", () => {
    const catalog = compileMeteringCatalog(
      catalogOf({
        meters: [
          { key: "b", eventType: "t", aggregation: "count" },
          { key: "a", eventType: "t", aggregation: "count" },
          { key: "c", eventType: "other", aggregation: "count" },
        ],
      }),
    );
    expect(catalog.metersByType.get("t")?.map(({ key }) => key)).toEqual(["a", "b"]);
  });
});
