/**
 * Rejected events that come in again. A replay is a message with the original bytes on the subject
 * `quarantine.<producer>.<incarnation>.<seq>.<position>.<arrival>`: which stored row it stands for and when that arrived, in nanoseconds. It is stored like
 * any other message, so that every event of the stream still has one row and one verdict; the row that it stands for counts as replayed from then on.
 */
import type { Instant } from "../kernel/instant.ts";

/** The place of a stored row, within its shard. */
export type EventOrigin = { readonly incarnation: bigint; readonly seq: number; readonly position: number };

export type Replay = {
  readonly producerToken: string;
  readonly origin: EventOrigin;
  /** When the stream took the event first, however often it was replayed since. */
  readonly arrivedAt: Instant;
};

/** What a replay has to agree with: a rejected row as it is stored. */
export type QuarantinedRow = {
  readonly origin: EventOrigin;
  /** Subject under which the row's message was published. */
  readonly subject: string;
  readonly ingestedAt: Instant;
  /** SHA-256 of the row's bytes, hex. */
  readonly rawSha256: string;
};

export const QUARANTINE_PREFIX = "quarantine.";
const REPLAY = /^quarantine\.([^.]+)\.([1-9]\d{0,19})\.([1-9]\d{0,15})\.(0|[1-9]\d{0,9})\.([1-9]\d{0,18})$/;
const PRODUCER = 1;

export function isReplaySubject(subject: string): boolean {
  return subject.startsWith(QUARANTINE_PREFIX);
}

export function replaySubject(replay: Replay): string {
  const { incarnation, seq, position } = replay.origin;
  return `${QUARANTINE_PREFIX}${replay.producerToken}.${incarnation}.${seq}.${position}.${replay.arrivedAt}`;
}

/** Undefined for every other subject, and for what `replaySubject` never gives. */
export function replayOfSubject(subject: string): Replay | undefined {
  const [, producerToken = "", incarnation = "", seq = "", position = "", arrivedAt = ""] = REPLAY.exec(subject) ?? [];
  if (producerToken === "") return undefined;
  const origin = { incarnation: BigInt(incarnation), seq: Number(seq), position: Number(position) };
  return { producerToken, origin, arrivedAt: BigInt(arrivedAt) };
}

/** The replay of a rejected row, which may be a replay itself: it keeps its producer and its first arrival. */
export function replayOfRow(row: Pick<QuarantinedRow, "origin" | "subject" | "ingestedAt">): Replay {
  const earlier = replayOfSubject(row.subject);
  const producerToken = earlier?.producerToken ?? row.subject.split(".")[PRODUCER] ?? "";
  return { producerToken, origin: row.origin, arrivedAt: earlier?.arrivedAt ?? row.ingestedAt };
}

/** Names a row within its shard, as a key of maps and in message ids. */
export function originText({ incarnation, seq, position }: EventOrigin): string {
  return `${incarnation}/${seq}/${position}`;
}
