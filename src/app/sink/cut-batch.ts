/**
 * Decodes messages in order until the batch is full: by events, or at the turn of a UTC month of arrival, because a batch must fall into
 * one partition. Never inside a message: a message is the smallest thing that can be acknowledged.
 */
import { isReplaySubject } from "../../domain/quarantine.ts";
import type { BatchEvent, DecodedEvent, UsageMessage } from "../../domain/usage-event.ts";
import type { Instant } from "../../kernel/instant.ts";
import { NS_PER_MILLISECOND } from "../../kernel/instant.ts";
import type { BatchRows } from "../ports.ts";
import { createDecodeContext, type EventTimeRange } from "../../metering/decode-context.ts";
import { decodeMessage } from "../../metering/decode-message.ts";
import type { MeteringCatalog } from "../../metering/metering-catalog.ts";

export type CutBatchInput = {
  /** In order and without a hole; at least one. */
  readonly messages: readonly UsageMessage[];
  readonly catalog: MeteringCatalog;
  readonly timeRange: EventTimeRange;
  /** The batch ends with the message that reaches it. */
  readonly eventsMax: number;
  /** Takes the rows of ordinary events. */
  readonly rows: Pick<BatchRows, "write">;
  /** Lets everything else of the process have its turn. */
  readonly turn: () => Promise<void>;
};

export type BatchCut = { readonly messages: readonly UsageMessage[]; readonly events: readonly BatchEvent[] };

/**
 * Events decoded in one go: about 5 ms. The rows of the batch before are still on their way to ClickHouse meanwhile, and the socket takes some
 * megabytes at a time: without turns the insert began only when all 50,000 events were decoded.
 */
const TURN_EVENTS = 500;

export async function cutBatch(input: CutBatchInput): Promise<BatchCut> {
  const context = createDecodeContext(input);
  const events: BatchEvent[] = [];
  const [first] = input.messages;
  const monthEnd = first === undefined ? 0n : endOfMonth(first.ingestedAt);
  let count = 0;
  let turnAt = TURN_EVENTS;
  for (const message of input.messages) {
    if (events.length >= input.eventsMax || message.ingestedAt >= monthEnd) break;
    if (events.length >= turnAt) {
      await input.turn();
      turnAt = events.length + TURN_EVENTS;
    }
    for (const event of decodeMessage(message, context))
      events.push(isOrdinary(event) ? input.rows.write(event) : event);
    count += 1;
  }
  return { messages: input.messages.slice(0, count), events };
}

/** Nothing but its identity decides what becomes of it, and as what else than accepted its row says nothing but its verdict. */
function isOrdinary({ rejected, reason, retraction, subject }: DecodedEvent): boolean {
  return !rejected && reason === "" && retraction === undefined && !isReplaySubject(subject);
}

/** The first instant of the next UTC month. */
function endOfMonth(instant: Instant): Instant {
  const date = new Date(Number(instant / NS_PER_MILLISECOND));
  return BigInt(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)) * NS_PER_MILLISECOND;
}
