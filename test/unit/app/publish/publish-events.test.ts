import { describe, expect, test } from "vitest";
import type { PackedMessage } from "../../../../src/app/publish/event-packer.ts";
import { publishEvents, type FileItem, type PublishProgress } from "../../../../src/app/publish/publish-events.ts";

const EVENTS = 50_001;
const INPUT = { resumeFrom: null, salt: "", messageBytesMax: 1_000 };

async function* items(): AsyncGenerator<FileItem> {
  for (let line = 1; line <= EVENTS; line += 1) {
    await Promise.resolve();
    yield { kind: "event", line, source: `s${String(line % 7)}`, text: `{"n":${String(line)}}` };
  }
}

function deps(source: AsyncIterable<FileItem>, failAfterMessages = Infinity) {
  const sent: PackedMessage[] = [];
  const saved: PublishProgress[] = [];
  const problems: string[] = [];
  return {
    sent,
    saved,
    problems,
    items: source,
    publish: (message: PackedMessage) => {
      if (sent.length >= failAfterMessages) return Promise.reject(new Error("the process dies"));
      sent.push(message);
      return Promise.resolve();
    },
    flush: () => Promise.resolve(),
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
      yield { kind: "event", line: 3, source: "a", text: `"${"ä".repeat(600)}"` };
      yield { kind: "event", line: 4, source: "a", text: "{}" };
    }
    const found = deps(mixed());
    expect(await publishEvents(found, INPUT)).toEqual({ line: 4, events: 1, problems: 2, done: true });
    expect(found.problems).toEqual(["2: not JSON", "3: the event has 1202 bytes, but the server takes at most 1000"]);
  });
});
