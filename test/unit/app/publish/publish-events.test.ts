import { describe, expect, test } from "vitest";
import {
  publishEvents,
  type FileEvent,
  type FileItem,
  type PublishProgress,
} from "../../../../src/app/publish/publish-events.ts";
import { createEventPacker, type PackedMessage } from "../../../../src/producer/event-packer.ts";

const EVENTS = 50_001;
const INPUT = { resumeFrom: null, eventBytesMax: 1_000 };
const LIMITS = { eventsMax: 100, bytesMax: 100_000, sourcesMax: 7 };

async function* items(): AsyncGenerator<FileItem> {
  for (let line = 1; line <= EVENTS; line += 1) {
    await Promise.resolve();
    yield { kind: "event", line, source: `s${String(line % 7)}`, id: String(line), text: `{"n":${String(line)}}` };
  }
}

function deps(source: AsyncIterable<FileItem>, failAfterMessages = Infinity) {
  const sent: PackedMessage[] = [];
  const saved: PublishProgress[] = [];
  const problems: string[] = [];
  const packer = createEventPacker(LIMITS);
  const deliver = (messages: readonly PackedMessage[]): Promise<void> => {
    sent.push(...messages);
    return sent.length > failAfterMessages ? Promise.reject(new Error("the process dies")) : Promise.resolve();
  };
  return {
    sent,
    saved,
    problems,
    items: source,
    send: (event: FileEvent) => deliver(packer.add(event)),
    flush: () => deliver(packer.flush()),
    save: (progress: PublishProgress) => {
      saved.push(progress);
      return Promise.resolve();
    },
    onProblem: ({ line, message }: { line: number; message: string }) => problems.push(`${String(line)}: ${message}`),
  };
}

describe("publishEvents", () => {
  // Guarantee: a run that dies anywhere and goes on sends every event, and what it repeats has the ids of the first time.
  test("goes on where a dead run stopped, with the same messages", async () => {
    const whole = deps(items());
    await publishEvents(whole, INPUT);
    const dead = deps(items(), 350);
    await expect(publishEvents(dead, INPUT)).rejects.toThrow("the process dies");
    const resumed = deps(items());
    const end = await publishEvents(resumed, { ...INPUT, resumeFrom: dead.saved.at(-1) ?? null });
    expect(dead.saved.at(-1)?.line).toBe(20_000);
    expect(end).toEqual({ line: EVENTS, events: EVENTS, problems: 0, done: true });
    const ids = new Set([...dead.sent, ...resumed.sent].map((message) => message.msgId));
    expect(ids).toEqual(new Set(whole.sent.map((message) => message.msgId)));
  });

  test("leaves out what is no event or too large, and says where", async () => {
    async function* mixed(): AsyncGenerator<FileItem> {
      await Promise.resolve();
      yield { kind: "problem", line: 2, message: "not JSON" };
      yield { kind: "event", line: 3, source: "a", id: "3", text: `"${"ä".repeat(600)}"` };
      yield { kind: "event", line: 4, source: "a", id: "4", text: "{}" };
    }
    const found = deps(mixed());
    expect(await publishEvents(found, INPUT)).toEqual({ line: 4, events: 1, problems: 2, done: true });
    expect(found.problems).toEqual(["2: not JSON", "3: the event has 1202 bytes, but the server takes at most 1000"]);
  });
});
