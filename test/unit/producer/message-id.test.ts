import { describe, expect, test } from "vitest";
import { messageIdOf } from "../../../src/producer/message-id.ts";

function idOf(source: string, ids: readonly string[], text = "{}", salt = ""): string {
  return messageIdOf({ source, ids, body: Buffer.from(text), salt });
}

describe("messageIdOf", () => {
  test("is source and id for a single event, as any client gives it", () => {
    expect(idOf("gateway/eu", ["req-8f2"])).toBe("gateway/eu/req-8f2");
    expect(idOf("gateway/eu", ["req-8f2"], "other")).toBe("gateway/eu/req-8f2");
  });

  // Guarantee: the server drops a repeated id unseen, so no two events share one: a slash in the id could be one of the source's.
  test("is a hash where source and id could be another pair", () => {
    expect(idOf("a", ["b/c"])).toMatch(/^[0-9a-f]{64}$/);
    expect(idOf("a", ["b/c"])).not.toBe(idOf("a/b", ["c"]));
  });

  // Guarantee: a header's value is cut at its ends and takes no line break: such an id would be another event's.
  test.each([" a", "a ", "ä", "a\n", "x".repeat(1_025)])("is a hash where a header would not carry %j", (text) => {
    expect(idOf(text, ["1"])).toMatch(/^[0-9a-f]{64}$/);
    expect(idOf("s", [text])).toMatch(/^[0-9a-f]{64}$/);
  });

  // Guarantee: the same batch has the same id, and no other batch has it.
  test("is a hash over source, salt and body for several events", () => {
    const all = [
      idOf("a", ["1", "2"], "[1,2]"),
      idOf("a", ["1", "2"], "[1,3]"),
      idOf("b", ["1", "2"], "[1,2]"),
      idOf("a", ["1", "2"], "[1,2]", "again"),
      idOf("a", ["1"], "1", "again"),
      idOf('a"', ["1", "2"], "[1,2]"),
      idOf("a", ["1", "2"], '"[1,2]'),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(idOf("a", ["1", "2"], "[1,2]")).toBe(all[0]);
  });
});
