/**
 * The benchmarks' events: completions of three customers, 320 bytes each, every identity once. Their times are those of a live stream: within the last minute, but
 * for one in a hundred, which comes up to 30 days late.
 */
import { seededRandom, type Random } from "../../cmd/demo/random.ts";
import { createEventPacker, type PackedMessage } from "../../src/producer/event-packer.ts";
import type { EventText } from "../../src/producer/producer-types.ts";

export type BenchEventsInput = {
  readonly events: number;
  /** Part of every identity, so that no round repeats another. */
  readonly round: string;
};

export const BENCH_SOURCE = "gateway/bench";
const CUSTOMERS = ["acme", "globex", "initech"] as const;
const MODELS = ["small-1", "large-1"] as const;
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
const SOURCES_MAX = 64;
const SECONDS_BACK = 60;
const SECONDS_LATE = 30 * 86_400;
const LATE_ONE_IN = 100;

/** The same ones, but for their times, whenever it is asked. */
export function* benchEvents(input: BenchEventsInput): Generator<EventText> {
  const random = seededRandom(42);
  const nowMs = Date.now();
  for (let number = 0; number < input.events; number += 1) {
    const secondsBack = random.below(random.below(LATE_ONE_IN) === 0 ? SECONDS_LATE : SECONDS_BACK);
    const time = new Date(nowMs - secondsBack * 1_000).toISOString();
    const data = {
      model: random.pick(MODELS),
      region: "eu-west-1",
      inputTokens: random.below(4_000),
      outputTokens: random.below(900),
      trace: hexDigits(random),
      note: "x".repeat(36),
    };
    const id = `${input.round}-${String(number)}`;
    const event = { specversion: "1.0", id, source: BENCH_SOURCE, type: "llm.completion" };
    const text = JSON.stringify({ ...event, subject: random.pick(CUSTOMERS), time, data });
    yield { source: BENCH_SOURCE, id, text };
  }
}

/** 32 of them, as a trace id has: what no compression takes away. */
function hexDigits(random: Random): string {
  return Array.from({ length: 4 }, () =>
    random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, "0"),
  ).join("");
}

export function benchMessages(
  input: BenchEventsInput & { readonly eventsPerMessage: number },
): readonly PackedMessage[] {
  return messagesOf(benchEvents(input), input.eventsPerMessage);
}

export function messagesOf(events: Iterable<EventText>, eventsPerMessage: number): readonly PackedMessage[] {
  const packer = createEventPacker({
    eventsMax: eventsPerMessage,
    bytesMax: MESSAGE_BYTES_MAX,
    sourcesMax: SOURCES_MAX,
  });
  const messages: PackedMessage[] = [];
  for (const event of events) messages.push(...packer.add(event));
  return [...messages, ...packer.flush()];
}
