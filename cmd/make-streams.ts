/** Makes the streams with the limits of the settings, or brings them up to date. Safe to run at every start. */
import { streamLimits } from "../src/config/settings.ts";
import { ensureStreams } from "../src/stream/ensure-streams.ts";
import type { Context } from "./context.ts";

/** The largest message: 8 MiB, what nats-server recommends as a maximum. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;

export async function makeStreams(context: Context): Promise<void> {
  const { usageBytes, journalBytes } = streamLimits(context.settings);
  await ensureStreams(await context.nats(), {
    shards: context.settings.shards,
    usageBytesMax: usageBytes,
    journalBytesMax: journalBytes,
    messageBytesMax: MESSAGE_BYTES_MAX,
  });
}
