/**
 * What has to be stored, worked out from the messages of the streams and what the producers meant by them, in as few lines as possible and
 * with none of Meterline's code: of each identity the first usable event counts, in the order of the stream.
 */
import {
  METERED_TYPE,
  decimalText,
  isRejection,
  sameBody,
  scaled,
  type Meant,
  type MeantEvent,
} from "./meant-event.ts";

export type ReferenceMessage = {
  readonly shard: number;
  readonly incarnation: string;
  readonly seq: number;
  /** Arrival in whole seconds since the epoch. */
  readonly second: number;
  readonly meant: readonly Meant[];
};

export type ReferenceBooks = {
  /** `shard/incarnation/seq/position verdict reason`, in the order of the messages. */
  readonly rows: readonly string[];
  readonly accepted: number;
  /** `meter customer window dimensions` with the sum and the number of events. */
  readonly windows: ReadonlyMap<string, string>;
  /** Greatest value by customer and window. */
  readonly peaks: ReadonlyMap<string, string>;
  /** Different users by customer and day. */
  readonly users: ReadonlyMap<string, string>;
};

const WINDOW_S = 900;
const DAY_S = 86_400;

/** The messages come shard by shard, incarnation by incarnation, in the order of the stream. */
export function referenceBooks(messages: readonly ReferenceMessage[]): ReferenceBooks {
  const owners = new Map<string, MeantEvent>();
  const rows: string[] = [];
  const totals = new Totals();
  for (const { shard, incarnation, seq, second, meant } of messages) {
    for (const [position, event] of meant.entries()) {
      const verdict = verdictOf(event, owners);
      rows.push(`${shard}/${incarnation}/${seq}/${position} ${verdict}`);
      if (!isRejection(event) && verdict.startsWith("accepted")) totals.add(event, secondOf(event) ?? second);
    }
  }
  return { rows, accepted: owners.size, ...totals.books() };
}

function verdictOf(event: Meant, owners: Map<string, MeantEvent>): string {
  if (isRejection(event)) return `rejected ${event.rejected}`;
  const identity = `${event.source.length}:${event.source}${event.id}`;
  const owner = owners.get(identity);
  if (owner !== undefined) return sameBody(owner, event) ? "duplicate" : "conflict";
  owners.set(identity, event);
  return event.type === METERED_TYPE ? "accepted" : "accepted unmetered";
}

function secondOf({ time }: MeantEvent): number | undefined {
  return time === undefined ? undefined : Math.floor(Date.parse(time) / 1000);
}

class Totals {
  private readonly sums = new Map<string, { quantity: bigint; events: number }>();
  private readonly peaks = new Map<string, bigint>();
  private readonly users = new Map<string, Set<string>>();

  add(event: MeantEvent, second: number): void {
    if (event.type !== METERED_TYPE) return;
    const window = second - (second % WINDOW_S);
    const tokens = scaled(event.tokens);
    this.sum(`tokens ${event.customer} ${window} {'model':'${escaped(event.model)}'}`, tokens);
    this.sum(`calls ${event.customer} ${window} {}`, 10n ** 18n);
    const place = `${event.customer} ${window}`;
    const peak = this.peaks.get(place);
    if (peak === undefined || tokens > peak) this.peaks.set(place, tokens);
    const day = `${event.customer} ${second - (second % DAY_S)}`;
    this.users.set(day, (this.users.get(day) ?? new Set()).add(event.user));
  }

  books(): Pick<ReferenceBooks, "windows" | "peaks" | "users"> {
    return {
      windows: new Map(
        [...this.sums].map(([key, { quantity, events }]) => [key, `${decimalText(quantity)} of ${events}`]),
      ),
      peaks: new Map([...this.peaks].map(([key, value]) => [key, decimalText(value)])),
      users: new Map([...this.users].map(([key, users]) => [key, String(users.size)])),
    };
  }

  private sum(key: string, quantity: bigint): void {
    const before = this.sums.get(key) ?? { quantity: 0n, events: 0 };
    this.sums.set(key, { quantity: before.quantity + quantity, events: before.events + 1 });
  }
}

/** As ClickHouse writes a text inside a map. */
function escaped(text: string): string {
  return text.replaceAll(/[\\']/g, String.raw`\$&`);
}
