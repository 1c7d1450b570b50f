/** The current cut, in the bucket METERLINE. Every new plan carries it; who raises it is `src/app/sink/raise-cut.ts`. */
import type { KV } from "@nats-io/kv";
import type { CutRegister } from "../app/ports.ts";
import { readRegister, writeRegister } from "./register.ts";

const NAME = "cut";
const NEVER_RAISED = { value: { cut: 1, raisedAt: 0 }, revision: 0 };

export function cutRegister(bucket: KV): CutRegister {
  return {
    read: async () => (await readRegister<{ cut: number; raisedAt: number }>(bucket, NAME)) ?? NEVER_RAISED,
    compareAndSet: ({ revision, cut, raisedAt }) =>
      writeRegister(bucket, { name: NAME, revision, value: { cut, raisedAt } }),
  };
}
