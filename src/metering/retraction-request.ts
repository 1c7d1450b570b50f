/** What a `meterline.void` or `meterline.amend` asks for. Whether there is such an event is not known here: the message alone says this much. */
import type { Rejection } from "../domain/usage-event.ts";
import { AMEND_TYPE, type RetractionRequest } from "../domain/usage-retraction.ts";
import { JsonObject, type JsonValue } from "../kernel/json-tree.ts";
import type { EventMembers } from "./event-members.ts";
import { eventKeyOf } from "./event-identity.ts";
import { quoted, rejection } from "./rejection.ts";
import { usableText } from "./usable-text.ts";

export type RetractingEvent = { readonly type: string; readonly source: string; readonly keyPrefix: string };

/** Members of `data` besides these are the producer's own: a reason, the number of a ticket. */
export function retractionRequestOf(event: EventMembers, by: RetractingEvent): RetractionRequest | Rejection {
  const data = event.get("data");
  if (!(data instanceof JsonObject))
    return rejection("retraction_invalid", "data must be an object with the member id");
  const targetId = usableText(data.get("id"));
  if (targetId === "") return rejection("retraction_invalid", "data.id must be the id of the event");
  const source = data.get("source");
  if (isGiven(source) && source !== by.source) {
    const text = typeof source === "string" ? quoted(source) : "no text";
    return rejection("target_of_other_source", `data.source is ${text}, the event itself has ${quoted(by.source)}`);
  }
  const targetKey = eventKeyOf(by.keyPrefix, targetId);
  if (by.type !== AMEND_TYPE) return { targetId, targetKey, changes: undefined };
  if (data.get("data") === undefined && !isGiven(data.get("time")) && !isGiven(data.get("subject"))) {
    return rejection(
      "retraction_invalid",
      "an amend needs the new data in data.data, or a new data.time or data.subject",
    );
  }
  return { targetId, targetKey, changes: data };
}

/** A null attribute counts as absent, as CloudEvents says. */
export function isGiven(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null;
}
