/** Rejected events as their readers see them, and what is asked of the store that holds them. */
import type { EventOrigin } from "../../domain/quarantine.ts";
import type { Instant } from "../../kernel/instant.ts";

/** A row's place in all shards: `shard:seq:position`, or `shard/incarnation:seq:position` where a stream was made anew. */
export type QuarantinePlace = {
  readonly shard: number;
  /** Absent: of any incarnation. */
  readonly incarnation?: bigint;
  readonly seq: number;
  readonly position: number;
};

/** What is given has to hold; without anything, all rejected events. */
export type QuarantineFilter = {
  readonly reason?: string | undefined;
  /** The source of the event, or of the producer whose subject it came on. */
  readonly source?: string | undefined;
  /** Arrived at this instant or later. */
  readonly since?: Instant | undefined;
  readonly places?: readonly QuarantinePlace[] | undefined;
  /** Those that were replayed as well; else only what still waits. */
  readonly replayedToo?: boolean | undefined;
};

export type QuarantinedEvent = {
  readonly shard: number;
  readonly origin: EventOrigin;
  readonly subject: string;
  readonly producer: string;
  /** When the stream took the message that this row is of. */
  readonly ingestedAt: Instant;
  /** When the stream took the event first. */
  readonly arrivedAt: Instant;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly customer: string;
  readonly reason: string;
  readonly detail: string;
  readonly raw: Uint8Array;
  readonly replays: readonly EventOrigin[];
};

export type QuarantineCount = { readonly producer: string; readonly reason: string; readonly events: string };

export type QuarantineStore = {
  /** In the order of shard and place, newest arrivals last. `limit` 0: all. */
  events(filter: QuarantineFilter, limit: number): AsyncIterable<readonly QuarantinedEvent[]>;
  counts(filter: QuarantineFilter): Promise<readonly QuarantineCount[]>;
};

export function placeText(shard: number, { seq, position }: Pick<EventOrigin, "seq" | "position">): string {
  return `${shard}:${seq}:${position}`;
}
