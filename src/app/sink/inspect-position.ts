/** What stream and database say about where a shard stands, for `agreePosition`. */
import type { BatchPlan } from "../../domain/sink-plan.ts";
import { sha256Hex } from "../../kernel/hash.ts";
import type { SinkStore, UsageStream } from "../ports.ts";
import type { Position } from "./protocol-types.ts";

export type InspectPositionDeps = {
  readonly shard: number;
  readonly stream: Pick<UsageStream, "state" | "range">;
  readonly store: Pick<SinkStore, "lastBatch" | "storedBehind">;
};

export async function inspectPosition(deps: InspectPositionDeps, plan: BatchPlan | null): Promise<Position> {
  const { shard, stream, store } = deps;
  const state = await stream.state();
  const { incarnation } = state;
  const lastBatch = await store.lastBatch({ shard });
  const known = [plan, lastBatch?.plan].filter((range) => range?.incarnation === incarnation);
  const after = Math.max(0, ...known.map((range) => range?.last ?? 0));
  const holdsUnplanned = (await store.storedBehind({ shard, incarnation, after })) !== null;
  const at = lastBatch?.plan.last ?? 0;
  const isThere = at > 0 && at >= state.firstSeq && at <= state.lastSeq;
  const [message] = isThere ? await stream.range({ first: at, last: at }) : [];
  const lastMessage =
    message === undefined ? null : { ingestedAt: message.ingestedAt, sha256: sha256Hex(message.body) };
  return { stream: state, lastBatch, lastMessage, holdsUnplanned };
}
