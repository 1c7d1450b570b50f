/**
 * Deliveries that wait for their acknowledgement. A consumer numbers its deliveries as the stream numbers its messages, but for an offset, so that what would be a
 * text for each message is two numbers for a run of them.
 */
import type { AckSubject } from "./delivered-message.ts";

type Delivery = { readonly seq: number; readonly consumerSeq: number; readonly ackSubject: AckSubject };
type Run = { firstSeq: number; lastSeq: number; readonly offset: number; readonly ackSubject: AckSubject };

export class PendingAcks {
  private readonly runs: Run[] = [];

  /** The highest sequence that waits; 0 when none does. */
  get newest(): number {
    return this.runs.at(-1)?.lastSeq ?? 0;
  }

  /** One above the newest. */
  add({ seq, consumerSeq, ackSubject }: Delivery): void {
    const offset = consumerSeq - seq;
    const run = this.runs.at(-1);
    const continues = run?.lastSeq === seq - 1 && run.offset === offset && run.ackSubject === ackSubject;
    if (continues) run.lastSeq = seq;
    else this.runs.push({ firstSeq: seq, lastSeq: seq, offset, ackSubject });
  }

  /** The subject that acknowledges the newest one up to `seq`, and with it all before, which wait no longer; null when none of them does. */
  take(seq: number): string | null {
    let subject: string | null = null;
    for (let run = this.runs[0]; run !== undefined && run.firstSeq <= seq; run = this.runs[0]) {
      const { lastSeq, offset, ackSubject } = run;
      const taken = Math.min(seq, lastSeq);
      subject = ackSubject(taken, taken + offset);
      if (taken === lastSeq) this.runs.shift();
      else run.firstSeq = taken + 1;
    }
    return subject;
  }
}
