import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { UsageMessage } from "../../../src/app/ports.ts";
import { MessageBuffer } from "../../../src/stream/message-buffer.ts";

const BODY_BYTES = 100;
/** A message's body and what it costs besides. */
const MESSAGE_BYTES = BODY_BYTES + 256;
const TAKE = { from: 1, messagesMax: 1_000, bytesMax: 1_000_000, waitMs: 0, idleMs: 60_000 };

function message(seq: number): UsageMessage {
  return { seq, subject: "usage.gw", ingestedAt: 0n, body: new Uint8Array(BODY_BYTES) };
}

function buffer(...seqs: readonly number[]): MessageBuffer {
  const made = new MessageBuffer(10_000_000);
  for (const seq of seqs) made.push(message(seq));
  return made;
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  for (let round = 0; round < 3; round += 1) await turn();
  const nothing = Symbol("nothing");
  return (await Promise.race([promise, Promise.resolve(nothing)])) === nothing;
}

describe("lingering behind the wait", () => {
  test("takes what comes until the batch before is inserted", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const messages = buffer(1);
    const taking = messages.take({
      ...TAKE,
      linger: { until: promise, bytesMax: 100_000 },
      signal: AbortSignal.timeout(60_000),
    });
    expect(await isPending(taking)).toBe(true);
    messages.push(message(2));
    messages.push(message(3));
    expect(await isPending(taking)).toBe(true);
    resolve(undefined);
    expect((await taking).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test("ends as well when that insert fails", async () => {
    const { promise, reject } = Promise.withResolvers<undefined>();
    const taking = buffer(1).take({
      ...TAKE,
      linger: { until: promise, bytesMax: 100_000 },
      signal: AbortSignal.timeout(60_000),
    });
    expect(await isPending(taking)).toBe(true);
    reject(new Error("ClickHouse is away"));
    expect(await taking).toHaveLength(1);
  });

  test("ends when there is as much as is worth waiting for", async () => {
    const linger = { until: new Promise(() => undefined), bytesMax: 3 * MESSAGE_BYTES };
    const messages = buffer(1, 2);
    const taking = messages.take({ ...TAKE, linger, signal: AbortSignal.timeout(60_000) });
    expect(await isPending(taking)).toBe(true);
    messages.push(message(3));
    expect(await taking).toHaveLength(3);
  });

  test("ends at the batch's own limits and when it is aborted", async () => {
    const linger = { until: new Promise(() => undefined), bytesMax: 100_000 };
    const messages = buffer(1);
    const limited = messages.take({ ...TAKE, messagesMax: 2, linger, signal: AbortSignal.timeout(60_000) });
    messages.push(message(2));
    expect(await limited).toHaveLength(2);
    const abort = new AbortController();
    const aborted = messages.take({ ...TAKE, linger, signal: abort.signal });
    expect(await isPending(aborted)).toBe(true);
    abort.abort();
    expect(await aborted).toEqual([]);
  });

  test("waits for nothing while no message is there but its idle time", async () => {
    const linger = { until: new Promise(() => undefined), bytesMax: 100_000 };
    expect(await buffer().take({ ...TAKE, idleMs: 1, linger, signal: AbortSignal.timeout(60_000) })).toEqual([]);
  });
});
