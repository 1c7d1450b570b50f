/** What the last finished verification found, in the bucket METERLINE: `verify` is a command that ends, and the roles that are scraped are others. */
import type { KV } from "@nats-io/kv";
import { readRegister, writeRegister } from "./register.ts";

export type VerifySummary = {
  /** Milliseconds since the epoch. */
  readonly finishedAt: number;
  readonly cut: number;
  /** Discrepancies by check, those with none included. */
  readonly mismatches: Readonly<Record<string, number>>;
};

export type VerifyRegister = {
  /** Null before the first verification. */
  read(): Promise<VerifySummary | null>;
  /** Of two that finish at once, one is kept. */
  write(summary: VerifySummary): Promise<void>;
};

const NAME = "verify";

export function verifyRegister(bucket: KV): VerifyRegister {
  return {
    read: async () => (await readRegister<VerifySummary>(bucket, NAME))?.value ?? null,
    write: async (value) => {
      const revision = (await readRegister(bucket, NAME))?.revision ?? 0;
      await writeRegister(bucket, { name: NAME, revision, value });
    },
  };
}
