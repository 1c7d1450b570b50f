/** Rejected events as text for people and as values for `--json`. */
import { placeText, type QuarantineCount, type QuarantinedEvent } from "../../src/app/quarantine/quarantine-types.ts";
import { instantText } from "../../src/kernel/instant.ts";
import { decodeUtf8 } from "../../src/kernel/utf8.ts";
import { tableText } from "../output/table.ts";

const DETAIL_SHOWN = 60;

export function listText(events: readonly QuarantinedEvent[], counts: readonly QuarantineCount[]): string {
  if (counts.length === 0) return "No rejected event waits.";
  const total = counts.reduce((sum, count) => sum + BigInt(count.events), 0n);
  const table = tableText(
    [
      { title: "place", text: (event) => placeText(event.shard, event.origin) },
      { title: "arrived", text: (event) => instantText(event.arrivedAt) },
      { title: "producer", text: (event) => event.producer },
      { title: "id", text: (event) => event.id },
      { title: "customer", text: (event) => event.customer },
      { title: "reason", text: (event) => event.reason },
      { title: "detail", text: (event) => event.detail.slice(0, DETAIL_SHOWN) },
    ],
    events,
  );
  const summary = tableText(
    [
      { title: "producer", text: (count) => count.producer },
      { title: "reason", text: (count) => count.reason },
      { title: "events", text: (count) => count.events, align: "right" },
    ],
    counts,
  );
  return `${table}\n\n${String(events.length)} of ${String(total)} rejected events that wait:\n${summary}`;
}

export function eventText(event: QuarantinedEvent): string {
  const lines: readonly (readonly [string, string])[] = [
    ["place", `${placeText(event.shard, event.origin)} of incarnation ${String(event.origin.incarnation)}`],
    ["subject", event.subject],
    ["arrived", instantText(event.arrivedAt)],
    ["source", event.source],
    ["id", event.id],
    ["type", event.type],
    ["customer", event.customer],
    ["reason", event.reason],
    ["detail", event.detail],
    ["replayed", event.replays.map((replay) => `as ${placeText(event.shard, replay)}`).join(", ") || "no"],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const head = lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
  return `${head}\n\n${decodeUtf8(event.raw) ?? `(${String(event.raw.length)} bytes that are not UTF-8; --json shows them as base64)`}`;
}

/** Bytes that are text as text, and always as base64, so that nothing of them is lost. */
export function eventValue(event: QuarantinedEvent): object {
  return {
    ...eventSummary(event),
    raw: decodeUtf8(event.raw) ?? null,
    rawBase64: Buffer.from(event.raw).toString("base64"),
  };
}

export function eventSummary(event: QuarantinedEvent): object {
  const { shard, origin, subject, producer, source, id, type, customer, reason, detail, replays } = event;
  return {
    place: placeText(shard, origin),
    incarnation: origin.incarnation,
    subject,
    producer,
    arrivedAt: instantText(event.arrivedAt),
    source,
    id,
    type,
    customer,
    reason,
    detail,
    replays: replays.map((replay) => placeText(shard, replay)),
  };
}
