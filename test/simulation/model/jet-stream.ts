/**
 * JetStream as the sink meets it: streams that forget repeated message ids after a while, a durable consumer that gives messages again, out of
 * order, or to somebody who is dead, and registers with revisions. Only the server's side; what travels is the network's affair.
 */
import type { Revisioned, StreamState } from "../../../src/app/ports.ts";
import type { UsageMessage } from "../../../src/domain/usage-event.ts";
import { NS_PER_MILLISECOND } from "../../../src/kernel/instant.ts";
import type { SeededRandom } from "../seeded-random.ts";

export type PublishInput = {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly messageId: string;
  readonly nowMs: number;
  /** Head of the journal at this moment: who publishes after an apply may rely on it. */
  readonly journalSeq: number;
};
export type Delivery = {
  readonly state: StreamState;
  /** The highest sequence the consumer has ever given away. */
  readonly delivered: number;
  readonly messages: readonly UsageMessage[];
};
type Stored = { readonly message: UsageMessage; readonly journalSeq: number };

export class ModelStream {
  readonly incarnation: string;
  private readonly stored: Stored[] = [];
  private readonly seenAtMs = new Map<string, number>();
  private readonly forgetsIdsMs: number;
  private trimmed = 0;
  private delivered = 0;
  private acknowledged = 0;

  constructor(input: { readonly incarnation: string; readonly forgetsIdsMs: number }) {
    this.incarnation = input.incarnation;
    this.forgetsIdsMs = input.forgetsIdsMs;
  }

  get state(): StreamState {
    return { incarnation: this.incarnation, firstSeq: this.trimmed + 1, lastSeq: this.stored.length };
  }

  /** Everything that was ever stored, for the reference. */
  get history(): readonly Stored[] {
    return this.stored;
  }

  publish(input: PublishInput): { readonly duplicate: boolean } {
    const seen = this.seenAtMs.get(input.messageId);
    if (seen !== undefined && input.nowMs - seen < this.forgetsIdsMs) return { duplicate: true };
    this.seenAtMs.set(input.messageId, input.nowMs);
    const seq = this.stored.length + 1;
    // The nanoseconds keep arrivals of one millisecond apart, as on a real server.
    const ingestedAt = BigInt(input.nowMs) * NS_PER_MILLISECOND + BigInt(seq);
    this.stored.push({
      message: { seq, subject: input.subject, ingestedAt, body: input.body },
      journalSeq: input.journalSeq,
    });
    return { duplicate: false };
  }

  /** What the durable consumer gives next: sometimes also what it gave before, and not always in order. */
  pull(max: number, chaos: { readonly random: SeededRandom; readonly redelivers: number }): Delivery {
    const from = Math.max(this.delivered, this.trimmed) + 1;
    this.delivered = Math.min(this.stored.length, from + max - 1);
    let seqs = Array.from({ length: Math.max(0, this.delivered - from + 1) }, (_, index) => from + index);
    if (chaos.random.chance(chaos.redelivers)) {
      const oldest = Math.max(this.acknowledged, this.trimmed) + 1;
      const again = Array.from({ length: chaos.random.below(4) }, () =>
        chaos.random.between(oldest, Math.max(oldest, this.delivered)),
      );
      seqs = chaos.random.shuffled([...seqs, ...again]).filter((seq) => seq <= this.delivered);
    }
    return { state: this.state, delivered: this.delivered, messages: seqs.map((seq) => this.message(seq)) };
  }

  /** Null when a message of the range is gone. */
  read(first: number, last: number): readonly UsageMessage[] | null {
    if (first <= this.trimmed || last > this.stored.length) return null;
    return this.stored.slice(first - 1, last).map(({ message }) => message);
  }

  ackAll(seq: number): void {
    this.acknowledged = Math.max(this.acknowledged, seq);
  }

  /** Deletes messages up to `seq`, as retention by sequence does. */
  trim(seq: number): void {
    this.trimmed = Math.max(this.trimmed, Math.min(seq, this.stored.length));
  }

  /** The stream as a backup holds it. */
  copy(): ModelStream {
    const { incarnation, forgetsIdsMs } = this;
    const copy = new ModelStream({ incarnation, forgetsIdsMs });
    copy.stored.push(...this.stored);
    for (const [id, atMs] of this.seenAtMs) copy.seenAtMs.set(id, atMs);
    copy.trimmed = this.trimmed;
    copy.delivered = this.delivered;
    copy.acknowledged = this.acknowledged;
    return copy;
  }

  private message(seq: number): UsageMessage {
    const stored = this.stored[seq - 1];
    if (stored === undefined) throw new Error(`the model gave away message ${seq}, which it does not have`);
    return stored.message;
  }
}

/** A bucket: values as text, one revision for every write of any key. */
export class ModelBucket {
  private readonly entries = new Map<string, { readonly text: string; readonly revision: number }>();
  private revision = 0;

  read<T>(name: string): Revisioned<T> | null {
    const entry = this.entries.get(name);
    return entry === undefined ? null : { value: JSON.parse(entry.text) as T, revision: entry.revision };
  }

  /** The new revision, or null when the key was not at `revision`. */
  compareAndSet(name: string, revision: number, value: unknown): number | null {
    if ((this.entries.get(name)?.revision ?? 0) !== revision) return null;
    return this.put(name, value);
  }

  put(name: string, value: unknown): number {
    this.revision += 1;
    this.entries.set(name, { text: JSON.stringify(value), revision: this.revision });
    return this.revision;
  }

  copy(): ModelBucket {
    const copy = new ModelBucket();
    for (const [name, entry] of this.entries) copy.entries.set(name, entry);
    copy.revision = this.revision;
    return copy;
  }
}
