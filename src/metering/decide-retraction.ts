/**
 * What a void or an amend does, once it is known what counts of the event that it names. The last one by sequence decides: each takes back what
 * counts at its place in the stream, whoever put it there, and an amend puts the original with its changes in that place.
 */
import type { BatchPlace, DecodedEvent, Reason, Rejection } from "../domain/usage-event.ts";
import {
  isRetractionType,
  type Contribution,
  type Retraction,
  type RetractionRequest,
  type RetractionTarget,
} from "../domain/usage-retraction.ts";
import { NS_PER_SECOND } from "../kernel/instant.ts";
import { amendEvent, type AmendDeps } from "./amend-event.ts";
import { quoted, rejection } from "./rejection.ts";

export type DecideRetractionInput = {
  readonly event: DecodedEvent;
  readonly request: RetractionRequest;
  /** Undefined where no such event was accepted before. */
  readonly target: RetractionTarget | undefined;
  readonly batch: BatchPlace;
};

export type DecidedRetraction = {
  readonly kind: "retraction";
  readonly retraction: Retraction;
  /** What counts of the target from now on. */
  readonly live: readonly Contribution[];
  readonly reason: Reason;
  readonly detail: string;
};

const WINDOW_SECONDS = 900n;

export function decideRetraction(deps: AmendDeps, input: DecideRetractionInput): DecidedRetraction | Rejection {
  const { event, request, target, batch } = input;
  const { targetId, targetKey, changes } = request;
  if (target === undefined) {
    return rejection("target_unknown", `no event ${quoted(targetId)} of this source was accepted before`);
  }
  if (isRetractionType(target.type)) {
    return rejection("target_not_usage", `${quoted(targetId)} is a ${target.type}: name the event itself`);
  }
  if (target.customer !== event.customer) {
    const whose = `the event is ${quoted(target.customer)}'s, not ${quoted(event.customer)}'s`;
    return rejection("target_of_other_customer", whose);
  }
  const retracts = target.live;
  if (changes === undefined) {
    const retraction = { targetKey, targetId, customer: "", eventTime: 0n, uses: [], retracts };
    return {
      kind: "retraction",
      retraction,
      live: [],
      reason: retracts.length === 0 ? "without_effect" : "",
      detail: "",
    };
  }
  const amended = amendEvent(deps, { target, changes, place: event });
  if (amended.rejected) return rejectionOf(amended);
  const { customer, eventTime, uses, reason, detail } = amended;
  const retraction = { targetKey, targetId, customer, eventTime, uses, retracts };
  const live = contributionsOf({ customer, eventTime, uses, seq: event.seq, position: event.position }, batch);
  return { kind: "retraction", retraction, live, reason, detail };
}

/** The rows that an accepted event has, one for each meter that it feeds. */
export function contributionsOf(
  event: Pick<DecodedEvent, "customer" | "eventTime" | "uses" | "seq" | "position">,
  batch: BatchPlace,
): Contribution[] {
  const { customer, seq, position } = event;
  const windowStart = Number((event.eventTime / NS_PER_SECOND / WINDOW_SECONDS) * WINDOW_SECONDS);
  return event.uses.map(({ meter }) => ({
    meter,
    customer,
    windowStart,
    incarnation: batch.incarnation,
    seq,
    position,
  }));
}

function rejectionOf(amended: DecodedEvent): Rejection {
  const { reason, detail } = amended;
  // A decoded event that is rejected carries a rejection's reason.
  return rejection(reason as Rejection["reason"], `the amended event: ${detail}`);
}
