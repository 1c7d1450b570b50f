/** The benchmark's events: completions of three customers, 320 bytes each, every identity once. */
import { seededRandom } from "../../cmd/demo/random.ts";
import type { PackedMessage } from "../../src/app/publish/event-packer.ts";
import { createEventPacker } from "../../src/app/publish/event-packer.ts";

export type BenchEventsInput = {
  readonly events: number;
  readonly eventsPerMessage: number;
  /** Part of every identity, so that no round repeats another. */
  readonly round: string;
};

const SOURCE = "gateway/bench";
const CUSTOMERS = ["acme", "globex", "initech"] as const;
const MODELS = ["small-1", "large-1"] as const;
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
const SECONDS_BACK = 30 * 86_400;

export function benchMessages(input: BenchEventsInput): readonly PackedMessage[] {
  const random = seededRandom(42);
  const packer = createEventPacker("", {
    eventsMax: input.eventsPerMessage,
    bytesMax: MESSAGE_BYTES_MAX,
    sourcesMax: 1,
  });
  const messages: PackedMessage[] = [];
  const nowMs = Date.now();
  for (let number = 0; number < input.events; number += 1) {
    const time = new Date(nowMs - random.below(SECONDS_BACK) * 1_000).toISOString();
    const data = {
      model: random.pick(MODELS),
      region: "eu-west-1",
      inputTokens: random.below(4_000),
      outputTokens: random.below(900),
      note: "x".repeat(80),
    };
    const event = {
      specversion: "1.0",
      id: `${input.round}-${String(number)}`,
      source: SOURCE,
      type: "llm.completion",
    };
    const text = JSON.stringify({ ...event, subject: random.pick(CUSTOMERS), time, data });
    messages.push(...packer.add({ source: SOURCE, text }));
  }
  return [...messages, ...packer.flush()];
}
