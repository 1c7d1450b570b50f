/** The schema guard: whether an event's data fits the JSON Schema that the catalog has for its type. */
import type { Rejection } from "../domain/usage-event.ts";
import type { EventMembers } from "./event-members.ts";
import { pointerText } from "./json-pointer.ts";
import type { MeteringCatalog } from "./metering-catalog.ts";
import { quoted, rejection } from "./rejection.ts";

/** Far more than an ordinary schema takes; one that branches without end is cut off here, for an event of any size in time linear in it. */
const STEPS_MIN = 10_000;
const STEPS_PER_BYTE = 16;

export type SchemaProblemInput = {
  readonly type: string;
  /** Size of the event. */
  readonly bytes: number;
  readonly catalog: MeteringCatalog;
};

/** Undefined where the data fits, or the type has no schema. Absent data is null, as it is for the event's identity. */
export function schemaProblem(
  event: EventMembers,
  { type, bytes, catalog }: SchemaProblemInput,
): Rejection | undefined {
  const failure = catalog.schemaByType.get(type)?.check(event.get("data") ?? null, STEPS_MIN + STEPS_PER_BYTE * bytes);
  if (failure === undefined) return undefined;
  return rejection("schema", `${quoted(pointerText(["data", ...failure.path]))} ${failure.message}`);
}
