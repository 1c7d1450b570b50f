/** The shards' keys in the bucket METERLINE: the one place where a writer's claim and its plan are settled, by compare-and-set. */
import type { KV } from "@nats-io/kv";
import type { ShardKeys } from "../app/ports.ts";
import type { ShardKey } from "../domain/sink-plan.ts";
import { readRegister, writeRegister } from "./register.ts";

export function shardKeys(bucket: KV): ShardKeys {
  return {
    read: (shard) => readRegister<ShardKey>(bucket, keyName(shard)),
    compareAndSet: ({ shard, revision, key }) => writeRegister(bucket, { name: keyName(shard), revision, value: key }),
  };
}

function keyName(shard: number): string {
  return `shard.${shard}`;
}
