/** The producers' own list: every message that was sent, what its bytes mean, and where the stream says that it stored it. */
import type { PubAck } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { producerTokenOf } from "../../../src/domain/producer-token.ts";
import { sha256Hex } from "../../../src/kernel/hash.ts";
import type { Nats } from "../../../src/stream/connect.ts";
import { METERED_TYPE, isRejection, textOf, type Meant, type MeantEvent } from "./meant-event.ts";
import type { Random } from "./random.ts";

export type Acknowledged = { readonly stream: string; readonly seq: number; readonly sha256: string };
export type SendOptions = {
  /** What `Nats-Msg-Id` says; JetStream drops a repetition within its window. */
  readonly msgID?: string;
  /** Producer token of the subject, where it is not that of the first event's source. */
  readonly subject?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

const ACK_MS = 1_000;
const CUSTOMERS = ["acme", "globex"] as const;
const MODELS = ["small-1", "large-2"] as const;

export class Ledger {
  /** Messages that a stream acknowledged and stored; those that it dropped as repetitions are not among them. */
  readonly acknowledged: Acknowledged[] = [];
  readonly random: Random;
  private readonly meant = new Map<string, readonly Meant[]>();
  private nextId = 1;

  constructor(random: Random) {
    this.random = random;
  }

  /** An event that nobody has sent yet. */
  fresh(members: Partial<MeantEvent> = {}): MeantEvent {
    const id = `e${this.nextId}`;
    this.nextId += 1;
    return {
      source: `gw${this.random(4)}`,
      id,
      type: METERED_TYPE,
      customer: CUSTOMERS[this.random(CUSTOMERS.length)] ?? "acme",
      tokens: `${this.random(1_000)}.${String(this.random(1_000_000_000)).padStart(18, "0")}`,
      model: MODELS[this.random(MODELS.length)] ?? "small-1",
      user: `u${this.random(9)}`,
      ...members,
    };
  }

  /** Several of one source, which may travel in one message. */
  freshMany(count: number, members: Partial<MeantEvent> = {}): MeantEvent[] {
    const source = members.source ?? `gw${this.random(4)}`;
    return Array.from({ length: count }, () => this.fresh({ ...members, source }));
  }

  /** What was acknowledged after a moment that a restore went back to: nobody can hold a server to it. */
  forgetAfter(acknowledged: number): void {
    this.acknowledged.length = acknowledged;
  }

  meaningOf(sha256: string): readonly Meant[] | undefined {
    return this.meant.get(sha256);
  }

  /** One message of events of one source. True when the stream stored it, false when it knew the message's id. */
  async send(nats: Nats, meant: readonly Meant[], options: SendOptions = {}): Promise<boolean> {
    const [only] = meant;
    const text = meant.length === 1 && only !== undefined ? textOf(only) : `[${meant.map(textOf).join(",")}]`;
    return await this.sendBytes(nats, { bytes: new TextEncoder().encode(text), meant }, options);
  }

  /** Bytes as they are, and what has to become of them, row by row. */
  async sendBytes(
    nats: Nats,
    message: { readonly bytes: Uint8Array; readonly meant: readonly Meant[] },
    options: SendOptions = {},
  ): Promise<boolean> {
    const sha256 = sha256Hex(message.bytes);
    // Noted first: without an answer the stream may have stored it all the same.
    this.meant.set(sha256, message.meant);
    const ack = await nats.js.publish(subjectOf(message.meant, options), message.bytes, {
      timeout: ACK_MS,
      ...(options.msgID !== undefined && { msgID: options.msgID }),
      ...(options.headers && { headers: headersOf(options.headers) }),
    });
    this.note(ack, sha256);
    return !ack.duplicate;
  }

  /** Sent until it is acknowledged, for servers that die in between; its id makes most repetitions harmless, the identities the rest. */
  async sendUntilStored(nats: Nats, meant: readonly Meant[], deadlineMs: number): Promise<void> {
    const msgID = `m${this.acknowledged.length}-${this.random(2 ** 31)}`;
    let cause: unknown;
    while (Date.now() < deadlineMs) {
      const stored = await this.send(nats, meant, { msgID }).catch((error: unknown) => {
        cause = error;
        return null;
      });
      if (stored !== null) return;
    }
    throw new Error(`message ${msgID} was not acknowledged in time`, { cause });
  }

  private note(ack: PubAck, sha256: string): void {
    if (!ack.duplicate) this.acknowledged.push({ stream: ack.stream, seq: ack.seq, sha256 });
  }
}

function subjectOf(meant: readonly Meant[], options: SendOptions): string {
  const event = meant.find((candidate): candidate is MeantEvent => !isRejection(candidate));
  return `usage.${options.subject ?? producerTokenOf(event?.source ?? "gw0")}`;
}

function headersOf(values: Readonly<Record<string, string>>) {
  const made = headers();
  for (const [name, value] of Object.entries(values)) made.set(name, value);
  return made;
}
