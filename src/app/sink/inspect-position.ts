/** What stream and database say about where a shard stands, for `agreePosition`. */
import { sha256Hex } from "../../kernel/hash.ts";
import type { SinkStore, UsageStream } from "../ports.ts";
import type { Position } from "./protocol-types.ts";

export type InspectPositionDeps = {
  readonly shard: number;
  readonly stream: Pick<UsageStream, "state" | "range">;
  readonly store: Pick<SinkStore, "lastBatch">;
};

export async function inspectPosition({ shard, stream, store }: InspectPositionDeps): Promise<Position> {
  const state = await stream.state();
  const lastBatch = await store.lastBatch({ shard });
  const at = lastBatch?.plan.last ?? 0;
  if (at === 0 || at < state.firstSeq || at > state.lastSeq) return { stream: state, lastBatch, lastMessage: null };
  const [message] = await stream.range({ first: at, last: at });
  const lastMessage =
    message === undefined ? null : { ingestedAt: message.ingestedAt, sha256: sha256Hex(message.body) };
  return { stream: state, lastBatch, lastMessage };
}
