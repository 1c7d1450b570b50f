/**
 * What must be stored, worked out from the messages alone in the plainest way: without batches, tokens, filters or anything of the sink's code. The
 * batches are asked for two things only: the journal entry that a message was decided with, and its cut.
 */
import type { UsageMessage } from "../../src/domain/usage-event.ts";
import type { UseRow } from "./model/usage-views.ts";

export type Place = { readonly catalogSeq: number; readonly cut: number };
export type Expectation = {
  /** Verdict by `shard/incarnation/seq/position`. */
  readonly verdicts: ReadonlyMap<string, string>;
  /** What the meters counted. */
  readonly uses: readonly CountedUse[];
};
export type StreamHistory = {
  readonly shard: number;
  readonly incarnation: string;
  readonly messages: readonly UsageMessage[];
  /** Null for a message that no batch holds. */
  readonly placeOf: (seq: number) => Place | null;
};
export type CountedUse = Omit<UseRow, "shard" | "incarnation" | "seq">;
type Event = {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time?: string;
  readonly data: { readonly tokens: number; readonly model: string; readonly user: string };
};

const WINDOW_NS = 900_000_000_000n;
const SCALE = 10n ** 18n;

/** Streams of one shard in the order of their lives. */
export function expectationOf(streams: readonly StreamHistory[]): Expectation {
  const verdicts = new Map<string, string>();
  const uses: CountedUse[] = [];
  const first = new Map<string, string>();
  for (const { shard, incarnation, messages, placeOf } of streams) {
    for (const message of messages) {
      const place = placeOf(message.seq);
      if (place === null) continue;
      eventsOf(message).forEach((event, position) => {
        const verdict = verdictOf(event, place, first);
        verdicts.set(`${shard}/${incarnation}/${message.seq}/${position}`, verdict);
        if (event !== null && verdict === "accepted") uses.push(...usesOf(event, message.ingestedAt, place));
      });
    }
  }
  return { verdicts, uses };
}

/** Null stands for what is no event. */
function eventsOf({ body }: UsageMessage): (Event | null)[] {
  const text = new TextDecoder().decode(body);
  if (!text.startsWith("{") && !text.startsWith("[{")) return [null];
  const parsed = JSON.parse(text) as Event | Event[];
  return Array.isArray(parsed) ? parsed : [parsed];
}

function verdictOf(event: Event | null, { catalogSeq }: Place, first: Map<string, string>): string {
  if (event === null || (event.subject === "newcomer" && catalogSeq < 2)) return "rejected";
  const identity = `${event.source}/${event.id}`;
  const body = JSON.stringify([event.subject, event.data.tokens]);
  const known = first.get(identity);
  if (known !== undefined) return known === body ? "duplicate" : "conflict";
  first.set(identity, body);
  return "accepted";
}

function usesOf(event: Event, ingestedAt: bigint, { catalogSeq, cut }: Place): CountedUse[] {
  const { source, id, subject: customer, data } = event;
  const eventTime = event.time === undefined ? ingestedAt : BigInt(Date.parse(event.time)) * 1_000_000n;
  const windowStart = eventTime - (eventTime % WINDOW_NS);
  const quantity = BigInt(data.tokens) * SCALE;
  const use = { customer, eventTime, windowStart, source, id, cut, dimensions: "", quantity, text: "" };
  if (event.type === "api.request") return [{ ...use, meter: "requested", aggregation: "sum" }];
  const all: CountedUse[] = [
    { ...use, meter: "tokens", aggregation: "sum", dimensions: `model=${data.model}` },
    { ...use, meter: "peak", aggregation: "max" },
    { ...use, meter: "newest", aggregation: "latest" },
    { ...use, meter: "users", aggregation: "unique_count", quantity: 0n, text: data.user },
    { ...use, meter: "level", aggregation: "time_weighted_sum" },
  ];
  return catalogSeq < 3 ? all : [...all, { ...use, meter: "calls", aggregation: "count", quantity: SCALE }];
}
