/**
 * Deliveries that wait for their acknowledgement. A consumer numbers its deliveries as the stream numbers its messages, but for an offset, so that what would be a
 * text for each message is two numbers for a run of them.
 */
import type { AckSubject } from "./delivered-message.ts";

type Delivery = { readonly seq: number; readonly consumerSeq: number; readonly ackSubject: AckSubject };
type Run = { readonly first: Delivery; lastSeq: number };

export class PendingAcks {
  private readonly runs: Run[] = [];

  /** The highest sequence that waits; 0 when none does. */
  get newest(): number {
    return this.runs.at(-1)?.lastSeq ?? 0;
  }

  /** One above the newest. */
  add({ seq, consumerSeq, ackSubject }: Delivery): void {
    const run = this.runs.at(-1);
    const continues =
      run !== undefined &&
      seq === run.lastSeq + 1 &&
      consumerSeq - seq === run.first.consumerSeq - run.first.seq &&
      ackSubject === run.first.ackSubject;
    if (continues) run.lastSeq = seq;
    else this.runs.push({ first: { seq, consumerSeq, ackSubject }, lastSeq: seq });
  }

  /** The subject that acknowledges the newest one up to `seq`, and with it all before, which wait no longer; null when none of them does. */
  take(seq: number): string | null {
    let subject: string | null = null;
    for (let run = this.runs[0]; run !== undefined && run.first.seq <= seq; run = this.runs[0]) {
      const { first, lastSeq } = run;
      const taken = Math.min(seq, lastSeq);
      subject = first.ackSubject(taken, first.consumerSeq + taken - first.seq);
      this.runs.shift();
      if (taken === lastSeq) continue;
      const rest = { ...first, seq: taken + 1, consumerSeq: first.consumerSeq + taken + 1 - first.seq };
      this.runs.unshift({ first: rest, lastSeq });
    }
    return subject;
  }
}
