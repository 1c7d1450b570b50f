/** Events of which everything follows from their number, so that totals are known without adding up: for customers, event types and shards of any number. */
import { decimalText, decimal } from "../../src/kernel/decimal.ts";
import type { EventText } from "../../src/producer/producer-types.ts";

export type ScaleEvents = {
  readonly from: number;
  readonly to: number;
  /** Part of every identity, so that no round repeats another. */
  readonly round: string;
  readonly customers: number;
  readonly eventTypes: number;
};

/** Of a stream with several shards each gets some: the server deals them out by the source. */
const SOURCES = 64;
const SECONDS_BACK = 30 * 86_400;
const QUANTITIES = 1_000;
/** As long as the other benchmarks' events are: 320 bytes with the rest. */
const NOTE = "x".repeat(120);

export function* scaleEvents({ from, to, round, customers, eventTypes }: ScaleEvents): Generator<EventText> {
  const nowMs = Date.now();
  for (let number = from; number < to; number += 1) {
    const source = `gateway/scale-${number % SOURCES}`;
    const id = `${round}-${number}`;
    const time = new Date(nowMs - scattered(number, SECONDS_BACK) * 1_000).toISOString();
    const data = { n: quantityOf(number), model: "small-1", note: NOTE };
    const event = { specversion: "1.0", id, source, type: `t${number % eventTypes}` };
    yield { source, id, text: JSON.stringify({ ...event, subject: `c${scattered(number, customers)}`, time, data }) };
  }
}

/** Numbers that follow each other come to lie far apart; over as many of them as there are places each place is met alike. */
function scattered(number: number, places: number): number {
  return (number * 7_919) % places;
}

function quantityOf(number: number): number {
  return (number % QUANTITIES) + 1;
}

/** The sum of the quantities of the events `from` … `to - 1`, by Gauss. */
export function quantitySum(from: number, to: number): bigint {
  return sumBelow(to) - sumBelow(from);
}

function sumBelow(events: number): bigint {
  const whole = BigInt(Math.floor(events / QUANTITIES));
  const rest = BigInt(events % QUANTITIES);
  const size = BigInt(QUANTITIES);
  return (whole * size * (size + 1n) + rest * (rest + 1n)) / 2n;
}

/** The same sum of generated usage, whose quantities are thousandths. */
export function generatedSum(events: number): string {
  return decimalText(decimal(sumBelow(events).toString()).div(QUANTITIES));
}
