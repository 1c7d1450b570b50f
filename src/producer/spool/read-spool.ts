/** What an earlier run left in a spool: the events without a fate, in the messages that they were or were not yet packed into. */
import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { PackableEvent } from "../event-packer.ts";
import { decodeRecords, type SpoolRecord } from "./spool-records.ts";

export type SpoolLeftover = {
  /** Each was one message, or would have been: sent again it is the same one. */
  readonly messages: readonly (readonly PackableEvent[])[];
  readonly segments: readonly string[];
  readonly nextNumber: number;
  readonly nextSegment: number;
  /** Bytes of a record that was being written when the process died; its event was never taken. */
  readonly tornBytes: number;
};

const SEGMENT = /^(\d{8})\.spool$/;
/** Events that no message was made of yet go out one by one: what belonged together is not known. */
type Found = {
  readonly events: Map<number, PackableEvent>;
  readonly messages: Map<number, readonly number[]>;
  lastNumber: number;
};

export function readSpool(directory: string): SpoolLeftover {
  const names = readdirSync(directory)
    .filter((name) => SEGMENT.test(name))
    .sort();
  const segments = names.map((name) => join(directory, name));
  const found: Found = { events: new Map(), messages: new Map(), lastNumber: 0 };
  let tornBytes = 0;
  for (const path of segments) tornBytes += readSegment(path, found);
  return {
    messages: messagesOf(found),
    segments,
    nextNumber: found.lastNumber + 1,
    nextSegment: Number(SEGMENT.exec(names.at(-1) ?? "")?.[1] ?? 0) + 1,
    tornBytes,
  };
}

export function segmentName(number: number): string {
  return `${String(number).padStart(8, "0")}.spool`;
}

/** The torn end is cut off, so that a later reading does not meet it. */
function readSegment(path: string, found: Found): number {
  const records = decodeRecords(readFileSync(path), path);
  for (;;) {
    const next = records.next();
    if (next.done === true) {
      const { bytes, tornBytes } = next.value;
      if (tornBytes > 0) truncateSync(path, bytes);
      return tornBytes;
    }
    note(next.value, found);
  }
}

function note(record: SpoolRecord, found: Found): void {
  if (record.kind === "event") {
    const { number, event } = record;
    found.events.set(number, { ...event, number });
    found.lastNumber = Math.max(found.lastNumber, number);
  } else if (record.kind === "message") found.messages.set(record.numbers[0] ?? 0, record.numbers);
  else {
    for (const number of found.messages.get(record.first) ?? []) found.events.delete(number);
    found.messages.delete(record.first);
  }
}

function messagesOf({ events, messages }: Found): readonly (readonly PackableEvent[])[] {
  const grouped: PackableEvent[][] = [];
  for (const numbers of messages.values()) {
    const group = numbers.flatMap((number) => events.get(number) ?? []);
    for (const number of numbers) events.delete(number);
    if (group.length > 0) grouped.push(group);
  }
  return [...grouped, ...[...events.values()].map((event) => [event])];
}
