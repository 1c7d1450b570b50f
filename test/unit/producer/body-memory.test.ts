import { describe, expect, test } from "vitest";
import { createBodyMemory } from "../../../src/producer/body-memory.ts";
import { FRAME_HEAD_BYTES, FRAME_TAIL_BYTES } from "../../../src/stream/publish-frame.ts";

const LONG = Buffer.alloc(10_000, "a");
const LONGER = Buffer.alloc(10_100, "b");

describe("createBodyMemory", () => {
  test("gives the memory of a copy that is done with to the next of about its length", () => {
    const memory = createBodyMemory(Infinity);
    const first = memory.copyOf(LONG).body;
    expect(first).toEqual(new Uint8Array(LONG));
    memory.reuse(first);
    const second = memory.copyOf(LONGER).body;
    expect(second.buffer).toBe(first.buffer);
    expect(second).toEqual(new Uint8Array(LONGER));
    expect(memory.copyOf(LONG).body.buffer).not.toBe(second.buffer);
  });

  // Guarantee: two bodies never have the same memory, whoever says how often that one is done with, and memory of others is left alone.
  test("takes back each copy once, and nothing else", () => {
    const memory = createBodyMemory(Infinity);
    const copy = memory.copyOf(LONG).body;
    memory.reuse(copy);
    memory.reuse(copy);
    expect(memory.copyOf(LONG).body.buffer).not.toBe(memory.copyOf(LONG).body.buffer);
    const other = Buffer.alloc(copy.buffer.byteLength);
    memory.reuse(other);
    memory.reuse(memory.copyOf(Buffer.from("short")).body);
    expect(memory.copyOf(LONG).body.buffer).not.toBe(other.buffer);
  });

  test("keeps no more than it may", () => {
    const memory = createBodyMemory(2 * LONG.length);
    const copies = [memory.copyOf(LONG).body, memory.copyOf(LONG).body];
    for (const copy of copies) memory.reuse(copy);
    const again = [memory.copyOf(LONG), memory.copyOf(LONG)].map(({ body }) => body.buffer);
    expect(again.filter((buffer) => copies.some((copy) => copy.buffer === buffer))).toHaveLength(1);
  });

  test("leaves room for a frame around a long body, and shares memory among short ones", () => {
    const memory = createBodyMemory(Infinity);
    const { body, memory: around } = memory.copyOf(LONG);
    expect(around?.length).toBe(FRAME_HEAD_BYTES + LONG.length + FRAME_TAIL_BYTES);
    expect([body.buffer, body.byteOffset]).toEqual([around?.buffer, FRAME_HEAD_BYTES]);
    expect(memory.copyOf(Buffer.from("short"))).toEqual({ body: Buffer.from("short") });
  });
});
