import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex, sha256UInt128 } from "../../../src/kernel/hash.ts";
import {
  FILTER_BITS_PER_IDENTITY,
  createIdentityFilter,
  restoreIdentityFilter,
} from "../../../src/metering/identity-filter.ts";

const key = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });

describe("createIdentityFilter", () => {
  // Guarantee: an identity that was added is never missed, however full the filter is and whatever the keys look like.
  it("never forgets", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.array(key, { maxLength: 400 }), (capacity, keys) => {
        const filter = createIdentityFilter(capacity);
        filter.add(keys);
        expect(filter.possible(keys)).toEqual(keys);
        expect(filter.size()).toBe(keys.length);
        expect(filter.needsRebuild()).toBe(keys.length >= capacity);
      }),
    );
  });

  it("is the same filter whether keys come one by one or as the words of their upper halves", () => {
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 200 }),
        fc.array(key, { maxLength: 200 }),
        (keys, others) => {
          const [one, many] = [createIdentityFilter(100), createIdentityFilter(100)];
          for (const added of keys) one.add([added]);
          const halves = keys.flatMap((added) => [64n, 96n].map((shift) => Number((added >> shift) & 0xffffffffn)));
          many.addHalves(new Uint32Array(halves));
          expect(many.size()).toBe(one.size());
          const asked = [...keys, ...others];
          expect(many.possible(asked)).toEqual(one.possible(asked));
          expect(asked.filter((key) => one.possible([key]).length === 1)).toEqual(one.possible(asked));
        },
      ),
    );
  });

  // Guarantee: a filter that may not grow any more is not made again for nothing, and still never misses.
  it("asks for no larger one when it is as large as may be", () => {
    const full = createIdentityFilter(1000, 4);
    const keys = Array.from({ length: 2000 }, (_, index) => sha256UInt128(`in ${index}`));
    full.add(keys);
    expect(full.bytes).toBe(4 * 32);
    expect(full.needsRebuild()).toBe(false);
    expect(full.possible(keys)).toEqual(keys);
  });

  // Guarantee: a copy of a filter means the same identities in every release. Who changes this raises REVISION in src/files/filter-copies.ts.
  it("sets the bits that it always set", () => {
    const filter = createIdentityFilter(1000);
    filter.add(Array.from({ length: 1000 }, (_, index) => sha256UInt128(`identity ${index}`)));
    const { words } = filter.contents();
    expect(sha256Hex(new Uint8Array(words.buffer))).toBe(
      "d2140f368a969b6d8962399d515571fd00b83785ab10132cf190b11ff9531e8e",
    );
  });

  it("goes on with the contents of another one", () => {
    const [filter, added] = [createIdentityFilter(100), [1n << 100n, 7n << 90n]];
    filter.add(added);
    const restored = restoreIdentityFilter(filter.contents());
    expect(restored?.size()).toBe(2);
    expect(restored?.possible([...added, 3n << 70n])).toEqual(added);
    expect(restoreIdentityFilter({ ...filter.contents(), capacity: 1000 })).toBeNull();
  });

  it("keeps both ends of the key space", () => {
    const filter = createIdentityFilter(1000);
    for (const added of [0n, 2n ** 128n - 1n]) {
      expect(filter.possible([added])).toEqual([]);
      filter.add([added]);
      expect(filter.possible([added])).toEqual([added]);
    }
  });

  it("asks needlessly for at most 4 of 1000 identities when full, at 16 bits each", () => {
    const capacity = 100_000;
    const filter = createIdentityFilter(capacity);
    const keysOf = (name: string) => Array.from({ length: capacity }, (_, index) => sha256UInt128(`${name} ${index}`));
    filter.add(keysOf("in"));
    const falsePositives = filter.possible(keysOf("out")).length;
    expect(falsePositives / capacity).toBeLessThan(0.004);
    expect(filter.bytes * 8).toBeLessThan(capacity * FILTER_BITS_PER_IDENTITY * 1.01);
  });
});
