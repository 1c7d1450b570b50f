import { describe, expect, it } from "vitest";
import type { Catalog } from "../../../src/domain/catalog.ts";
import { AppError } from "../../../src/kernel/errors.ts";
import { compileMeteringCatalog } from "../../../src/metering/metering-catalog.ts";
import { catalogOf } from "../../support/catalog-of.ts";

describe("compileMeteringCatalog", () => {
  it("finds customers by key and by alias, a key before anybody's alias", () => {
    const { customerBySubject } = compileMeteringCatalog(
      catalogOf({
        customers: [{ key: "acme", aliases: ["acme-eu"] }, { key: "beta" }, { key: "zeta", aliases: ["beta"] }],
      }),
    );
    expect([...customerBySubject].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ["acme", "acme"],
      ["acme-eu", "acme"],
      ["beta", "beta"],
      ["zeta", "zeta"],
    ]);
  });

  it("knows only the newest version, and nothing that was removed", () => {
    const base = catalogOf({
      meters: [{ key: "m", eventType: "t", aggregation: "count" }],
      customers: [{ key: "acme", aliases: ["old"] }],
    });
    const acme = base.customers.get("acme")?.[0];
    const m = base.meters.get("m")?.[0];
    if (acme === undefined || m === undefined) throw new Error("the catalog lacks its entities");
    const catalog: Catalog = {
      ...base,
      seq: 9,
      meters: new Map([["m", [m, { ...m, version: 2, removed: true }]]]),
      customers: new Map([
        ["acme", [acme, { ...acme, version: 2, definition: { ...acme.definition, aliases: ["new"] } }]],
      ]),
    };
    const compiled = compileMeteringCatalog(catalog);
    expect(compiled.seq).toBe(9);
    expect([...compiled.metersByType]).toEqual([]);
    expect([...compiled.customerBySubject.keys()].sort()).toEqual(["acme", "new"]);
  });

  it.each(["data/n", "/data/~2", "/data~"])("takes the malformed pointer %s for a broken invariant", (value) => {
    const catalog = catalogOf({ meters: [{ key: "m", eventType: "t", aggregation: "sum", value }] });
    expect(() => compileMeteringCatalog(catalog)).toThrow(AppError);
  });
});
