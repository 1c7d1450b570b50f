/** The rating runs that have begun, in the bucket METERLINE: one key per period and customers, kept until the next run of the same begins. */
import type { KV } from "@nats-io/kv";
import type { OpenRun, OpenRuns } from "../app/ports.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { sha256Hex } from "../kernel/hash.ts";
import { readRegister, writeRegister } from "./register.ts";

const NAME_DIGITS = 20;

export function openRuns(bucket: KV): OpenRuns {
  return {
    find: async (scope) => (await readRegister<OpenRun>(bucket, nameOf(scope)))?.value ?? null,
    // Of two that begin at once, one is kept: the other one can't be gone on with, and is begun anew.
    record: async (run) => {
      const name = nameOf(run);
      const revision = (await readRegister(bucket, name))?.revision ?? 0;
      await writeRegister(bucket, { name, revision, value: run });
    },
  };
}

function nameOf({ period, customers }: Parameters<OpenRuns["find"]>[0]): string {
  return `rating.${sha256Hex(canonicalJson([period, customers])).slice(0, NAME_DIGITS)}`;
}
