/** The limits that a producer works with: its options, checked, with their defaults. */
import { EVENTS_PER_MESSAGE_MAX } from "../domain/usage-event.ts";
import { AppError } from "../kernel/errors.ts";
import type { ProducerOptions } from "./producer-types.ts";

export type ProducerLimits = {
  readonly eventsPerMessage: number;
  readonly bytesPerMessage: number;
  /** Of a body that the server takes. */
  readonly bodyBytesMax: number;
  readonly lingerMs: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly ackTimeoutMs: number;
  readonly deadlineMs: number | undefined;
};

const KIB = 1024;
/** The server counts headers as well: the message id, which holds a source and an id of at most 1,024 bytes each. */
const HEADER_BYTES_MAX = 2_304;
/** nats-server's own default. */
const PAYLOAD_BYTES_DEFAULT = KIB * KIB;

/** `payloadBytesMax` is what the server says it takes; its default where it does not say. */
export function producerLimits(options: ProducerOptions, payloadBytesMax = PAYLOAD_BYTES_DEFAULT): ProducerLimits {
  const bodyBytesMax = payloadBytesMax - HEADER_BYTES_MAX;
  return {
    eventsPerMessage: within("eventsPerMessage", options.eventsPerMessage ?? 100, [1, EVENTS_PER_MESSAGE_MAX]),
    // Two bytes are the brackets of the array.
    bytesPerMessage:
      Math.min(within("bytesPerMessage", options.bytesPerMessage ?? 256 * KIB, [1, Infinity]), bodyBytesMax) - 2,
    bodyBytesMax,
    lingerMs: within("lingerMs", options.lingerMs ?? 5, [0, Infinity]),
    windowMessages: within("windowMessages", options.windowMessages ?? 4_096, [1, Infinity]),
    windowBytes: within("windowBytes", options.windowBytes ?? 32 * KIB * KIB, [1, Infinity]),
    ackTimeoutMs: within("ackTimeoutMs", options.ackTimeoutMs ?? 5_000, [1, Infinity]),
    deadlineMs: options.deadlineMs === undefined ? undefined : within("deadlineMs", options.deadlineMs, [1, Infinity]),
  };
}

function within(name: string, value: number, [min, max]: readonly [number, number]): number {
  if (value >= min && value <= max) return value;
  throw new AppError({
    code: "PRODUCER_OPTION_INVALID",
    kind: "settings",
    message: `${name} is ${value}: give a number from ${min}${max === Infinity ? "" : ` to ${max}`}`,
  });
}
