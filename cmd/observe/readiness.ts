/** What a role needs to do its work now: its servers, the schema of this release, and for the sink a writer or a standby for each of its shards. */
import type { ShardSituation } from "../../src/app/sink/sink-observer.ts";
import { requireCurrentSchema } from "../../src/clickhouse/migrate.ts";
import type { HealthCheck } from "../../src/http/health.ts";
import { AppError } from "../../src/kernel/errors.ts";
import type { Services } from "../services.ts";
import { singleFlight } from "./measure.ts";
import { pingsOf } from "./observe-services.ts";
import { isHeld, type SinkWatch } from "./watch-sink.ts";

/** Steps in which a writer has the shard and does not store yet. */
const STARTING: ReadonlySet<ShardSituation["step"]> = new Set(["fencing", "inspecting", "loading", "rebuilding"]);

/** Before the servers have answered for the first time. */
export const WAITING_FOR_SERVERS: HealthCheck = {
  name: "servers",
  check: () => Promise.reject(notReady("waiting for NATS and ClickHouse")),
};

export function serverChecks(services: Services): readonly HealthCheck[] {
  const pings = pingsOf(services);
  const schema = singleFlight(() => requireCurrentSchema(services.clickhouse));
  return [
    { name: "nats", check: async () => pings.nats().then(() => "answers") },
    { name: "clickhouse", check: async () => pings.clickhouse().then(() => "answers") },
    { name: "schema", check: async () => schema().then(() => "is this release's") },
  ];
}

export function shardCheck({ situations }: Pick<SinkWatch, "situations">, shards: readonly number[]): HealthCheck {
  return {
    name: "shards",
    // eslint-disable-next-line @typescript-eslint/require-await -- a check may wait, this one knows
    check: async () => {
      const states = shards.map((shard) => ({ shard, ...stateOf(situations.get(shard)) }));
      const text = states.map(({ shard, state }) => `${shard} ${state}`).join(", ");
      if (states.every(({ ok }) => ok)) return text;
      throw notReady(text);
    },
  };
}

function stateOf(situation: ShardSituation | undefined): { readonly ok: boolean; readonly state: string } {
  if (situation === undefined) return { ok: false, state: "not started" };
  const { step, waiting } = situation;
  if (isHeld(situation)) return STARTING.has(step) ? { ok: false, state: step } : { ok: true, state: `held (${step})` };
  return step === "acquiring" && waiting ? { ok: true, state: "standing by" } : { ok: false, state: step };
}

function notReady(message: string): AppError {
  return new AppError({ code: "NOT_READY", kind: "unavailable", message });
}
