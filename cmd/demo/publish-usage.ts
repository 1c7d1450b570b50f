/** Publishes generated usage and waits until the sink has stored all of it. */
import { producerTokenOf } from "../../src/domain/producer-token.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { sha256Hex } from "../../src/kernel/hash.ts";
import { createPublisher } from "../../src/stream/publisher.ts";
import { usageStreamState } from "../../src/stream/usage-stream.ts";
import { startProgress } from "../output/progress.ts";
import type { Services } from "../services.ts";
import { systemClock } from "../system-clock.ts";
import type { DemoMessage } from "./generate-events.ts";

/** The server syncs what arrived together at once, so a wide window is faster. */
const WINDOW_MESSAGES = 512;
const ACK_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
/** Without any progress for so long, something is wrong. */
const STALL_MS = 60_000;

export type Published = { readonly stored: number; readonly droppedAsRepeated: number };

export async function publishUsage(services: Services, messages: readonly DemoMessage[]): Promise<Published> {
  const bar = startProgress({ label: "Publishing", total: messages.length, unit: "messages" });
  let stored = 0;
  let droppedAsRepeated = 0;
  const publisher = createPublisher(services.nats, {
    windowMessages: WINDOW_MESSAGES,
    ackTimeoutMs: ACK_TIMEOUT_MS,
    onStored: (_message, { duplicate }) => {
      if (duplicate) droppedAsRepeated += 1;
      else stored += 1;
      bar.update(stored + droppedAsRepeated);
    },
  });
  try {
    for (const { source, body } of messages) {
      await publisher.publish({
        subject: `usage.${producerTokenOf(source)}`,
        body: Buffer.from(body),
        msgId: sha256Hex(`${JSON.stringify(source)}${body}`),
      });
    }
    await publisher.flush();
  } finally {
    await publisher.close();
    bar.stop();
  }
  return { stored, droppedAsRepeated };
}

/** Resolves when the sink's batches reach the last message of every stream. */
export async function untilCounted(services: Services): Promise<void> {
  const targets = await Promise.all(
    Array.from({ length: services.shards }, async (_, shard) => ({
      shard,
      ...(await usageStreamState(services.nats, shard)),
    })),
  );
  const total = targets.reduce((sum, target) => sum + target.lastSeq, 0);
  const bar = startProgress({ label: "Counting", total, unit: "messages" });
  let before = -1;
  let movedMs = systemClock.nowMs();
  try {
    for (;;) {
      const batches = await Promise.all(
        targets.map(({ shard, incarnation }) => services.sinkStore.lastBatch({ shard, incarnation })),
      );
      const counted = batches.reduce((sum, batch) => sum + (batch?.plan.last ?? 0), 0);
      bar.update(counted);
      if (counted >= total) return;
      if (counted > before) movedMs = systemClock.nowMs();
      before = counted;
      if (systemClock.nowMs() - movedMs > STALL_MS) throw stalled(counted, total);
      await systemClock.sleep(POLL_MS);
    }
  } finally {
    bar.stop();
  }
}

function stalled(counted: number, total: number): AppError {
  return new AppError({
    code: "DEMO_STALLED",
    kind: "unavailable",
    message: `Only ${String(counted)} of ${String(total)} messages were stored, and nothing moved for ${String(STALL_MS / 1000)} s: the log lines above say why`,
  });
}
