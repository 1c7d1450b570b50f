/**
 * Waits until everything that the usage streams hold now is stored. Rating begins with it: usage that a producer was told is safe before the
 * cut was raised belongs to the period's bill, and not to the late usage after it.
 */
import { AppError } from "../../kernel/errors.ts";
import type { Clock, SinkStore, StreamState } from "../ports.ts";

export type CatchUpDeps = {
  readonly streamState: (shard: number) => Promise<StreamState>;
  readonly store: Pick<SinkStore, "lastBatch">;
  readonly clock: Clock;
  readonly shards: number;
};

const POLL_MS = 50;

/** Rejects with SINK_BEHIND (unavailable) when a shard does not get there in time. */
export async function catchUp(deps: CatchUpDeps, input: { readonly timeoutMs: number }): Promise<void> {
  const deadline = deps.clock.nowMs() + input.timeoutMs;
  for (let shard = 0; shard < deps.shards; shard += 1) {
    const { incarnation, lastSeq } = await deps.streamState(shard);
    for (;;) {
      const stored = (await deps.store.lastBatch({ shard, incarnation }))?.plan.last ?? 0;
      if (stored >= lastSeq) break;
      if (deps.clock.nowMs() >= deadline) throw behind({ shard, messages: lastSeq - stored });
      await deps.clock.sleep(POLL_MS);
    }
  }
}

function behind({ shard, messages }: { readonly shard: number; readonly messages: number }): AppError {
  return new AppError({
    code: "SINK_BEHIND",
    kind: "unavailable",
    message: `${messages} messages of shard ${shard} are not counted yet: is \`meterline up\` or \`meterline sink\` running? Try again when they are`,
  });
}
