/**
 * Brings rejected events in again, those that would not be rejected once more: each is decided here first, as the sink will, with the catalog as it is now.
 * Safe to run twice and to kill at any moment: a message that went out has an id that the server knows again, and after that the sink
 * knows the event's identity; what did not go out still waits.
 */
import { originText, replayOfRow, replaySubject } from "../../domain/quarantine.ts";
import { createDecodeContext, type EventTimeRange } from "../../metering/decode-context.ts";
import { decodeMessage } from "../../metering/decode-message.ts";
import type { MeteringCatalog } from "../../metering/metering-catalog.ts";
import type { QuarantineFilter, QuarantinedEvent, QuarantineStore } from "./quarantine-types.ts";

export type ReplayMessage = { readonly subject: string; readonly body: Uint8Array; readonly msgId: string };

export type ReplayDeps = {
  readonly store: QuarantineStore;
  readonly catalog: MeteringCatalog;
  readonly timeRange: EventTimeRange;
  /** Takes a message into the window of those under way. */
  readonly publish: (message: ReplayMessage) => Promise<void>;
  readonly onProgress: (looked: number) => void;
};

export type ReplayResult = {
  /** Events that waited and fit the filter. */
  readonly looked: number;
  readonly replayed: number;
  /** Those that would be rejected again, by the reason of now. */
  readonly stillRejected: Readonly<Record<string, number>>;
};

/** Resolves when everything is handed over to `publish`. */
export async function replayQuarantined(deps: ReplayDeps, filter: QuarantineFilter): Promise<ReplayResult> {
  let looked = 0;
  let replayed = 0;
  const stillRejected: Record<string, number> = {};
  for await (const events of deps.store.events({ ...filter, replayedToo: false }, 0)) {
    for (const event of events) {
      looked += 1;
      const reason = rejectionOf(event, deps);
      if (reason === undefined) {
        await deps.publish(messageOf(event));
        replayed += 1;
      } else stillRejected[reason] = (stillRejected[reason] ?? 0) + 1;
    }
    deps.onProgress(looked);
  }
  return { looked, replayed, stillRejected };
}

/** Why the event would be rejected now; undefined when it, or anything in it, would not be. */
function rejectionOf(event: QuarantinedEvent, { catalog, timeRange }: ReplayDeps): string | undefined {
  // Not a row of somebody's event but of a message that pretended to replay one.
  if (event.reason === "replay_invalid") return event.reason;
  const { seq } = event.origin;
  const { subject, body } = messageOf(event);
  const context = createDecodeContext({ catalog, timeRange });
  const decoded = decodeMessage({ seq, subject, ingestedAt: event.ingestedAt, body }, context);
  return decoded.some(({ rejected }) => !rejected) ? undefined : decoded[0]?.reason;
}

function messageOf(event: QuarantinedEvent): ReplayMessage {
  const subject = replaySubject(replayOfRow(event));
  return { subject, body: event.raw, msgId: `quarantine/${event.shard}/${originText(event.origin)}` };
}
