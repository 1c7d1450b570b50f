/**
 * An amended event: the original with the new data, time and subject put in, decoded as if it had come like that. Its meters are those that
 * decided the original, because an amend changes what was said and not what is measured. A new subject is looked up as of the amend, so that
 * usage can go to a customer who was not there before.
 */
import type { DecodedEvent } from "../domain/usage-event.ts";
import type { RetractionTarget } from "../domain/usage-retraction.ts";
import { replayOfSubject } from "../domain/quarantine.ts";
import { producerTokenOfSubject } from "../domain/producer-token.ts";
import { present } from "../kernel/assert.ts";
import { parseExactJson } from "../kernel/exact-json.ts";
import { JsonObject } from "../kernel/json-tree.ts";
import { decodeUtf8 } from "../kernel/utf8.ts";
import { createDecodeContext, type EventTimeRange } from "./decode-context.ts";
import { decodeEvent } from "./decode-event.ts";
import type { MeteringCatalog } from "./metering-catalog.ts";
import { isGiven } from "./retraction-request.ts";

export type AmendDeps = {
  /** As of the amend. */
  readonly catalog: MeteringCatalog;
  /** As of the journal sequences of the targets' batches. */
  readonly catalogAt: (journalSeq: number) => MeteringCatalog;
  readonly timeRange: EventTimeRange;
};

export type AmendInput = {
  readonly target: RetractionTarget;
  readonly changes: JsonObject;
  readonly place: { readonly seq: number; readonly position: number };
};

const ANY_TIME: EventTimeRange = { pastNs: 2n ** 63n, futureNs: 2n ** 63n };

export function amendEvent(deps: AmendDeps, { target, changes, place }: AmendInput): DecodedEvent {
  const original = originalOf(target);
  const subject = isGiven(changes.get("subject")) ? undefined : original.get("subject");
  const customers =
    typeof subject === "string" ? new Map([[subject, target.customer]]) : deps.catalog.customerBySubject;
  const catalog = { ...deps.catalogAt(target.catalogSeq), customerBySubject: customers };
  // The original's time was right when it came, whatever the settings say today.
  const timeRange = isGiven(changes.get("time")) ? deps.timeRange : ANY_TIME;
  const arrivedAt = replayOfSubject(target.subject)?.arrivedAt ?? target.ingestedAt;
  const from = { ...place, subject: target.subject, producerToken: producerTokenOfSubject(target.subject) };
  return decodeEvent(
    changed(original, changes),
    { ...from, ingestedAt: target.ingestedAt, arrivedAt, raw: target.raw },
    createDecodeContext({ catalog, timeRange }),
  );
}

/** It was accepted, so its bytes can be read. */
function originalOf(target: RetractionTarget): JsonObject {
  const document = parseExactJson(present(decodeUtf8(target.raw), "the text of an accepted event"), 1);
  const value = "error" in document ? undefined : document.elements[0]?.value;
  return present(value instanceof JsonObject ? value : undefined, "the object of an accepted event");
}

function changed(original: JsonObject, changes: JsonObject): JsonObject {
  const result = new JsonObject();
  const data = changes.get("data");
  if (data !== undefined) result.add("data", data);
  for (const name of ["time", "subject"]) {
    const value = changes.get(name);
    if (value !== undefined && value !== null) result.add(name, value);
  }
  // What is there already stays: the changes came first.
  original.names.forEach((name, index) => result.add(name, original.values[index] ?? null));
  return result;
}
