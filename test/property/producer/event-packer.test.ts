import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createEventPacker,
  packMessage,
  type PackableEvent,
  type PackedMessage,
  type PackLimits,
} from "../../../src/producer/event-packer.ts";
import { messageIdOf } from "../../../src/producer/message-id.ts";

/** Lone surrogates among them, which UTF-8 does not have, and texts longer than what a body has room for at first. */
const text = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), minLength: 1 }),
  fc.integer({ min: 20_000, max: 70_000 }).map((length) => "é".repeat(length)),
);
const source = fc.constantFrom("a", "b/c", "ü");
const events = fc
  .array(fc.record({ source, text }), { maxLength: 40 })
  .map((some) => some.map((event, position) => ({ ...event, id: String(position) })));
const packLimits = fc.record({
  eventsMax: fc.integer({ min: 1, max: 5 }),
  bytesMax: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 300_000 })),
  sourcesMax: fc.integer({ min: 1, max: 3 }),
});

/** What is packed together, by the rules alone. */
function groupsOf(some: readonly PackableEvent[], { eventsMax, bytesMax, sourcesMax }: PackLimits): PackableEvent[][] {
  const closed: PackableEvent[][] = [];
  let open: PackableEvent[][] = [];
  const openOf = (event: PackableEvent): PackableEvent[] | undefined =>
    open.find(([first]) => first?.source === event.source);
  const close = (group: PackableEvent[] | undefined): void => {
    if (group === undefined) return;
    closed.push(group);
    open = open.filter((other) => other !== group);
  };
  for (const event of some) {
    const withIt = [...(openOf(event) ?? []), event];
    if (withIt.reduce((sum, each) => sum + Buffer.byteLength(each.text) + 1, 0) > bytesMax) close(openOf(event));
    if (openOf(event) === undefined && open.length >= sourcesMax) close(open[0]);
    const group = openOf(event) ?? [];
    if (group.push(event) === 1) open.push(group);
    if (group.length >= eventsMax) close(group);
  }
  return [...closed, ...open];
}

function expectedMessage(group: readonly PackableEvent[], salt: string): object {
  const texts = group.map((event) => event.text);
  const body = Buffer.from(texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(",")}]`);
  const ids = group.map(({ id }) => id);
  const head = { source: group[0]?.source ?? "", ids };
  return { ...head, hex: body.toString("hex"), msgId: messageIdOf({ ...head, body, salt }) };
}

function shown({ source: from, ids, body, msgId }: PackedMessage): object {
  return { source: from, ids, hex: Buffer.from(body).toString("hex"), msgId };
}

// Guarantee: the same events give the same messages, byte for byte, whatever their texts hold, and in whatever memory; packed anew from the spool they are the same as well.
test("packs by its limits and changes no byte", () => {
  fc.assert(
    fc.property(events, packLimits, fc.constantFrom("", "salt"), (some, limits, salt) => {
      const packer = createEventPacker({ ...limits, spareBytesMax: Infinity }, salt);
      const expected = groupsOf(some, limits).map((group) => expectedMessage(group, salt));
      const messages: PackedMessage[] = [];
      const take = (closed: readonly PackedMessage[]): void => {
        for (const message of closed) {
          expect(shown(message)).toEqual(expected[messages.length]);
          messages.push(message);
          if (messages.length % 2 === 1) packer.reuse(message);
        }
      };
      for (const event of some) take(packer.add(event));
      take(packer.flush());
      expect(messages).toHaveLength(expected.length);
      const kept = (_: unknown, position: number): boolean => position % 2 === 1;
      expect(messages.filter(kept).map(shown)).toEqual(expected.filter(kept));
      expect(groupsOf(some, limits).map((group) => shown(packMessage(group, salt)))).toEqual(expected);
    }),
  );
});
