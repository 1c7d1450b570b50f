/**
 * One JSON value under one key of the bucket METERLINE, changed by compare-and-set on its revision. The bucket is never read through
 * JetStream's direct gets: a replica that lags would show a writer that it still holds what it has lost.
 */
import { Kvm, type KV } from "@nats-io/kv";
import type { Revisioned } from "../app/ports.ts";
import { AppError } from "../kernel/errors.ts";
import { classifyNatsError, isWrongLastSequence } from "./classify-error.ts";
import type { Nats } from "./connect.ts";

export const BUCKET = "METERLINE";
export const SHARDS_KEY = "shards";
const STREAM_NOT_FOUND = "JETSTREAM_10059";

export async function openBucket(nats: Nats): Promise<KV> {
  try {
    return await new Kvm(nats.js).open(BUCKET, { allow_direct: false });
  } catch (error) {
    throw classifyNatsError(error, `opening the bucket ${BUCKET}`);
  }
}

/** Null when the key was never written. */
export async function readRegister<T>(bucket: KV, name: string): Promise<Revisioned<T> | null> {
  let text: string;
  let revision: number;
  try {
    const entry = await bucket.get(name);
    if (entry === null || entry.operation !== "PUT") return null;
    text = entry.string();
    revision = entry.revision;
  } catch (error) {
    throw classifyNatsError(error, `reading the key ${name}`);
  }
  return { value: parse(name, text) as T, revision };
}

/** The new revision, or null when the key was not at `revision` any more. Revision 0 creates. */
export async function writeRegister(
  bucket: KV,
  input: { readonly name: string; readonly revision: number; readonly value: unknown },
): Promise<number | null> {
  try {
    return await bucket.put(input.name, JSON.stringify(input.value), { previousSeq: input.revision });
  } catch (error) {
    if (isWrongLastSequence(error)) return null;
    throw classifyNatsError(error, `writing the key ${input.name}`);
  }
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError({
      code: "REGISTER_UNREADABLE",
      kind: "broken",
      message: `The key ${name} of the bucket ${BUCKET} does not hold JSON: only Meterline may write there`,
      cause,
    });
  }
}

/** A bucket that was never made is one without keys. */
function unlessMissing(error: unknown): null {
  if (error instanceof AppError && error.code === STREAM_NOT_FOUND) return null;
  throw error;
}

/** How many shards these streams were made for; throws `unavailable` when nothing was set up yet. */
export async function readShards(bucket: KV): Promise<number> {
  const fixed = await readRegister<number>(bucket, SHARDS_KEY).catch(unlessMissing);
  if (fixed !== null) return fixed.value;
  throw new AppError({
    code: "STREAMS_MISSING",
    kind: "unavailable",
    message: "The streams of Meterline do not exist yet: start `meterline up` or `meterline sink` once",
  });
}
