/**
 * Tells when a disk that was full has room again. A nats-server whose write failed for want of space refuses that stream's messages until it is
 * started anew (measured with 2.15: publishing times out for ever), so somebody has to notice that it is time.
 */
import { statfs } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

export type WatchDiskInput = {
  readonly directory: string;
  readonly signal: AbortSignal;
};

const LOOK_MS = 1_000;
/** Below this a write may have failed: twice the largest message. */
const FULL_BYTES = 16 * 1024 ** 2;
const ROOM_BYTES = 2 * FULL_BYTES;

/** Resolves true when the disk was full and has room again, false when the signal came first. */
export async function roomAgain({ directory, signal }: WatchDiskInput): Promise<boolean> {
  let full = false;
  while (!signal.aborted) {
    const { bavail, bsize } = await statfs(directory);
    const free = bavail * bsize;
    full ||= free < FULL_BYTES;
    if (full && free >= ROOM_BYTES) return true;
    await delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return false;
}
