import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8, exceedsBytes, utf8Length } from "../../../src/kernel/utf8.ts";

describe("decodeUtf8", () => {
  it.each([
    ["a lone continuation byte", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["half a sequence", [0xe2, 0x82]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a code point beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ["a byte that never occurs", [0xff]],
  ])("refuses %s", (_, bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
  });

  it("gives text that encodes to the same bytes, a byte order mark included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(decodeUtf8(new TextEncoder().encode(`\ufeff${text}`))).toBe(`\ufeff${text}`);
      }),
    );
  });
});

describe("utf8Length", () => {
  it("counts the bytes of any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const bytes = new TextEncoder().encode(text).length;
        expect(utf8Length(text)).toBe(bytes);
        expect(exceedsBytes(text, bytes)).toBe(false);
        if (bytes > 0) expect(exceedsBytes(text, bytes - 1)).toBe(true);
      }),
    );
  });

  it("counts a lone surrogate as its replacement", () => {
    expect(utf8Length("a\ud800b")).toBe(5);
  });
});
