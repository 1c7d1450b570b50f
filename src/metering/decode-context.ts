/** What decoding needs besides the message, and what it remembers of the sources of one batch. */
import { NS_PER_DAY } from "../kernel/instant.ts";
import { producerTokenOf } from "../domain/producer-token.ts";
import { EventLayouts } from "./event-layouts.ts";
import { eventKeyPrefix } from "./event-identity.ts";
import type { MeteringCatalog } from "./metering-catalog.ts";

/** How far an event's time may lie from its arrival, in nanoseconds; both bounds belong to the range. */
export type EventTimeRange = { readonly pastNs: bigint; readonly futureNs: bigint };

/** Five years (with two leap days) back and a day ahead. */
export const DEFAULT_EVENT_TIME_RANGE: EventTimeRange = { pastNs: (5n * 365n + 2n) * NS_PER_DAY, futureNs: NS_PER_DAY };

/** What follows from a source alone. */
export type SourceFacts = { readonly producerToken: string; readonly keyPrefix: string };

export type DecodeContext = {
  readonly catalog: MeteringCatalog;
  readonly timeRange: EventTimeRange;
  /** Only spares work: a batch has many events of few sources. */
  readonly sources: Map<string, SourceFacts>;
  readonly layouts: EventLayouts;
};

/** A new context per batch: bounded by the batch, so that hostile sources can't fill the memory. */
export function createDecodeContext(input: {
  readonly catalog: MeteringCatalog;
  readonly timeRange: EventTimeRange;
}): DecodeContext {
  return { catalog: input.catalog, timeRange: input.timeRange, sources: new Map(), layouts: new EventLayouts() };
}

export function sourceFactsOf(source: string, context: DecodeContext): SourceFacts {
  const known = context.sources.get(source);
  if (known !== undefined) return known;
  const facts = { producerToken: producerTokenOf(source), keyPrefix: eventKeyPrefix(source) };
  context.sources.set(source, facts);
  return facts;
}
