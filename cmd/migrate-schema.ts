/**
 * Migrates a schema that may hold usage: every shard's key is held meanwhile, and no plan may be open. Its rows may be in the tables already, and a
 * view that is made between would get them a second time when the plan is inserted again.
 */
import { randomUUID } from "node:crypto";
import { claimShard, rewriteClaim } from "../src/app/sink/claim-shard.ts";
import type { Revisioned } from "../src/app/ports.ts";
import { changesSchema, migrate } from "../src/clickhouse/migrate.ts";
import type { Migration } from "../src/clickhouse/load-sql.ts";
import { refillStore } from "../src/clickhouse/refill-store.ts";
import { sinkStore } from "../src/clickhouse/sink-store.ts";
import type { ShardKey } from "../src/domain/sink-plan.ts";
import { AppError } from "../src/kernel/errors.ts";
import { openBucket, readShards } from "../src/stream/register.ts";
import { shardKeys } from "../src/stream/shard-keys.ts";
import type { Context } from "./context.ts";
import { systemClock } from "./system-clock.ts";

export type MigrateSchemaInput = {
  readonly onMigration: (name: string) => void;
  /** Where no other process can hold a shard, a dead predecessor's lease is not waited for. */
  readonly instance?: string;
};

/** A third of a claim's lease. */
const RENEW_MS = 20_000;

/** Returns what was applied. Rejects with SHARD_BUSY while a sink runs, PLAN_OPEN when one died with an open plan. */
export async function migrateSchema(context: Context, input: MigrateSchemaInput): Promise<readonly Migration[]> {
  const clickhouse = context.patientClickHouse();
  try {
    if (!(await changesSchema(clickhouse))) return await migrate(clickhouse, input.onMigration);
    const release = await holdShards(context, input.instance ?? "");
    try {
      return await migrate(clickhouse, input.onMigration);
    } finally {
      await release();
    }
  } finally {
    await clickhouse.close();
  }
}

type Held = { readonly shard: number; claim: Revisioned<ShardKey> };

async function holdShards(context: Context, instance: string): Promise<() => Promise<void>> {
  const bucket = await openBucket(await context.nats());
  const shards = await readShards(bucket).catch(noneYet);
  const clickhouse = context.clickhouse();
  const store = refillStore(clickhouse);
  const claims = { keys: shardKeys(bucket), store: sinkStore(clickhouse), ...store, clock: systemClock };
  const holder = `${instance === "" ? "migrate" : instance}#${randomUUID()}`;
  const held: Held[] = [];
  const rewrite = async (release: boolean): Promise<void> => {
    for (const one of held) one.claim = await rewriteClaim(claims, { ...one, release });
  };
  const renewing = setInterval(() => void rewrite(false).catch(() => undefined), RENEW_MS);
  const release = async (): Promise<void> => {
    clearInterval(renewing);
    await rewrite(true);
  };
  try {
    for (let shard = 0; shard < shards; shard += 1) {
      const claim = await claimShard({ ...claims, holder, instance }, shard);
      held.push({ shard, claim });
      const { plan } = claim.value;
      if (plan !== null && !(await store.isCommitted({ shard, plan }))) throw planOpen(shard, plan);
    }
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

function noneYet(error: unknown): number {
  if (error instanceof AppError && error.code === "STREAMS_MISSING") return 0;
  throw error;
}

function planOpen(shard: number, { first, last }: { readonly first: number; readonly last: number }): AppError {
  return new AppError({
    code: "PLAN_OPEN",
    kind: "conflict",
    message: `Batch ${first}-${last} of shard ${shard} is planned but not stored: start the release that planned it, let it drain, then migrate`,
  });
}
