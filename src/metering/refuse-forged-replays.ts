/**
 * Whether the replays of a batch are what they say: whoever can publish to the subject of replays could otherwise choose an event's arrival. A replay has to
 * name a rejected row of its shard, with that row's bytes, producer and first arrival. What does not is one rejected row, and changes nothing
 * about the row that it names.
 */
import {
  isReplaySubject,
  originText,
  replayOfRow,
  replayOfSubject,
  replaySubject,
  type EventOrigin,
  type QuarantinedRow,
} from "../domain/quarantine.ts";
import type { BatchEvent, DecodedEvent, UsageMessage } from "../domain/usage-event.ts";
import { sha256Hex } from "../kernel/hash.ts";
import { rejectedEvent } from "./decode-event.ts";
import { rejection } from "./rejection.ts";

/** The rows that the replays among the messages name. */
export function originsOf(messages: readonly UsageMessage[]): EventOrigin[] {
  const origins = new Map<string, EventOrigin>();
  for (const { subject } of messages) {
    const replay = isReplaySubject(subject) ? replayOfSubject(subject) : undefined;
    if (replay !== undefined) origins.set(originText(replay.origin), replay.origin);
  }
  return [...origins.values()];
}

export type RefuseForgedReplaysInput<Event> = {
  readonly messages: readonly UsageMessage[];
  /** What the messages decode to, in their order. */
  readonly events: readonly Event[];
  /** The rejected rows among those that `originsOf` named, stored before this batch. */
  readonly rows: readonly QuarantinedRow[];
};

export function refuseForgedReplays<Event extends BatchEvent>({
  messages,
  events,
  rows,
}: RefuseForgedReplaysInput<Event>): readonly (Event | DecodedEvent)[] {
  const byOrigin = new Map(rows.map((row) => [originText(row.origin), row]));
  const forged = new Map<number, UsageMessage>();
  for (const message of messages)
    if (isReplaySubject(message.subject) && !isGenuine(message, byOrigin)) forged.set(message.seq, message);
  if (forged.size === 0) return events;
  return events.flatMap<Event | DecodedEvent>((event) => {
    const message = forged.get(event.seq);
    if (message === undefined) return [event];
    return event.position === 0 ? [refused(message)] : [];
  });
}

function isGenuine(message: UsageMessage, byOrigin: ReadonlyMap<string, QuarantinedRow>): boolean {
  const replay = replayOfSubject(message.subject);
  const row = replay === undefined ? undefined : byOrigin.get(originText(replay.origin));
  if (row === undefined) return false;
  return message.subject === replaySubject(replayOfRow(row)) && sha256Hex(message.body) === row.rawSha256;
}

function refused({ seq, subject, ingestedAt, body }: UsageMessage): DecodedEvent {
  const place = { seq, position: 0, subject, producerToken: "", ingestedAt, arrivedAt: ingestedAt, raw: body };
  return rejectedEvent(
    place,
    rejection("replay_invalid", "the subject names no rejected event with these bytes, this producer and this arrival"),
  );
}
