import { describe, expect, test } from "vitest";
import { createEventPacker, type PackedMessage } from "../../../src/producer/event-packer.ts";

const LIMITS = { eventsMax: 3, bytesMax: 100, sourcesMax: 2 };

function bodies(messages: readonly PackedMessage[]): string[] {
  return messages.map((message) => `${message.subject} ${Buffer.from(message.body).toString()}`);
}

function packAll(events: readonly (readonly [string, string])[], salt = ""): PackedMessage[] {
  const packer = createEventPacker(LIMITS, salt);
  const closed = events.flatMap(([source, text]) => packer.add({ source, id: text, text }));
  return [...closed, ...packer.flush()];
}

describe("createEventPacker", () => {
  // Guarantee: an event's bytes are sent as they are; a single one is no array.
  test("puts events of one source into one array, byte for byte", () => {
    expect(bodies(packAll([["a/b", '{"n":1e400}']]))).toEqual(['usage.a~2Fb {"n":1e400}']);
    expect(
      bodies(
        packAll([
          ["a", "1"],
          ["b", "2"],
          ["a", "3"],
        ]),
      ),
    ).toEqual(["usage.a [1,3]", "usage.b 2"]);
  });

  test("closes a message at its limits of events, bytes and open sources", () => {
    expect(
      bodies(
        packAll([
          ["a", "1"],
          ["a", "2"],
          ["a", "3"],
          ["a", "4"],
        ]),
      ),
    ).toEqual(["usage.a [1,2,3]", "usage.a 4"]);
    const long = `"${"x".repeat(60)}"`;
    expect(
      packAll([
        ["a", long],
        ["a", long],
      ]).map((message) => message.events),
    ).toEqual([1, 1]);
    expect(
      bodies(
        packAll([
          ["a", "1"],
          ["b", "2"],
          ["c", "3"],
        ]),
      ),
    ).toEqual(["usage.a 1", "usage.b 2", "usage.c 3"]);
  });
});
