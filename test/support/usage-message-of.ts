/** Messages of a usage stream, for tests of what reads them. */
import type { UsageMessage } from "../../src/domain/usage-event.ts";
import { instantOf } from "../../src/kernel/instant.ts";

export const ARRIVAL = instantOf("2026-10-03T08:15:31Z", "arrival");

/** An event of customer acme from the source gw; members given replace these, undefined leaves one out. */
export function eventOf(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    specversion: "1.0",
    id: "e1",
    source: "gw",
    type: "llm.completion",
    subject: "acme",
    time: "2026-10-03T08:15:30.250Z",
    data: { model: "small-1", outputTokens: 44 },
    ...members,
  };
}

/** Text and bytes are taken as they are, everything else as JSON. */
export function messageOf(body: unknown, overrides: Partial<UsageMessage> = {}): UsageMessage {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    seq: 1,
    subject: "usage.gw",
    ingestedAt: ARRIVAL,
    body: body instanceof Uint8Array ? body : new TextEncoder().encode(text),
    ...overrides,
  };
}
