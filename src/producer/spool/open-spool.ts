/**
 * Events on disk until they have their fate. Append-only segments; one is deleted once everything in it and in those before it is settled. A record is handed to
 * the system at once (it then outlives the process); with `sync: "disk"` the events that wait together share one fdatasync.
 */
import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { lockDirectory, type DirectoryLock } from "../../embedded/lock-directory.ts";
import { AppError } from "../../kernel/errors.ts";
import type { PackableEvent } from "../event-packer.ts";
import type { EventText, SpoolOptions } from "../producer-types.ts";
import { readSpool, segmentName } from "./read-spool.ts";
import { encodeRecord, SEGMENT_HEAD, type SpoolRecord } from "./spool-records.ts";

export type Spool = {
  /** What an earlier run left, as the messages to send. */
  readonly leftover: readonly (readonly PackableEvent[])[];
  /** A sentence about an end that was cut off; undefined when there was none. */
  readonly torn: string | undefined;
  /** Gives the event its number. Throws `SPOOL_FAILED` when the disk does not take it. */
  append(event: EventText): number;
  /** Resolves when all that was appended has the durability that was asked for. */
  written(): Promise<void>;
  /** Says which events are one message. */
  seal(numbers: readonly number[]): void;
  /** The message of these events has its fate. */
  settle(numbers: readonly number[]): void;
  /** Hands to the system what `seal` and `settle` said. */
  write(): void;
  isFull(): boolean;
  close(): void;
};

type Segment = { readonly path: string; readonly first: number; bytes: number; unsettled: number };

const SEGMENT_BYTES = 16 * 1024 * 1024;
const BYTES_MAX = 1024 ** 3;
const NOTES_BYTES = 64 * 1024;
const WRITTEN = Promise.resolve();

export function openSpool(options: SpoolOptions): Spool {
  const lock = lockDirectory({ directory: options.directory, owner: "spool" });
  try {
    return new SegmentSpool(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SegmentSpool implements Spool {
  readonly leftover: readonly (readonly PackableEvent[])[];
  readonly torn: string | undefined;
  readonly #options: SpoolOptions;
  readonly #lock: DirectoryLock;
  /** Oldest first; the last one is written to. */
  readonly #segments: Segment[];
  #nextNumber: number;
  #nextSegment: number;
  #file = -1;
  /** Seals and settlements that were not written yet. */
  #notes: Buffer[] = [];
  #notesBytes = 0;
  #syncing: Promise<void> | null = null;
  #again: Promise<void> | null = null;

  constructor(options: SpoolOptions, lock: DirectoryLock) {
    const { messages, segments, nextNumber, nextSegment, tornBytes } = readSpool(options.directory);
    this.#options = options;
    this.#lock = lock;
    this.leftover = messages;
    this.torn =
      tornBytes === 0
        ? undefined
        : `the spool ended in ${tornBytes} bytes of an event that was never taken; they were cut off`;
    const unsettled = messages.reduce((sum, message) => sum + message.length, 0);
    // What is left counts as one old segment: all of these files go when the last of its events is settled.
    this.#segments = segments.map((path) => ({ path, first: 0, bytes: statSync(path).size, unsettled: 0 }));
    const last = this.#segments.at(-1);
    if (last !== undefined) last.unsettled = unsettled;
    this.#nextNumber = nextNumber;
    this.#nextSegment = nextSegment;
    this.#dropSettled();
    this.#openSegment();
  }

  append(event: EventText): number {
    const number = this.#nextNumber;
    this.#put(encodeRecord({ kind: "event", number, event }));
    this.#nextNumber += 1;
    const segment = this.#current();
    segment.unsettled += 1;
    if (segment.bytes >= SEGMENT_BYTES) this.#openSegment();
    return number;
  }

  seal(numbers: readonly number[]): void {
    this.#note({ kind: "message", numbers });
  }

  settle(numbers: readonly number[]): void {
    this.#note({ kind: "settled", first: numbers[0] ?? 0 });
    for (const number of numbers) {
      const segment = this.#segments.findLast(({ first }) => first <= number);
      if (segment !== undefined) segment.unsettled -= 1;
    }
    if (this.#notesBytes >= NOTES_BYTES) this.write();
    this.#dropSettled();
  }

  write(): void {
    try {
      this.#put(Buffer.alloc(0));
    } catch {
      // The notes stay and go with the next record. Without them a restart sends what is known already, which changes nothing.
    }
  }

  isFull(): boolean {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0) >= (this.#options.bytesMax ?? BYTES_MAX);
  }

  written(): Promise<void> {
    if (this.#options.sync !== "disk") return WRITTEN;
    if (this.#syncing === null) return (this.#syncing = this.#sync());
    // A sync under way may have begun before the last record: the next one takes all that wait by then.
    this.#again ??= this.#syncing.then(() => (this.#syncing = this.#sync()));
    return this.#again;
  }

  close(): void {
    if (this.#file < 0) return;
    this.write();
    this.#closeFile();
    this.#file = -1;
    this.#dropSettled();
    const last = this.#segments[0];
    if (this.#segments.length === 1 && last?.unsettled === 0) unlinkSync(last.path);
    this.#lock.release();
  }

  #note(record: SpoolRecord): void {
    const bytes = encodeRecord(record);
    this.#notes.push(bytes);
    this.#notesBytes += bytes.length;
  }

  /** One write of what was noted and the record; a write that fails half-way is taken back, so that nothing comes after a torn record. */
  #put(record: Buffer): void {
    const segment = this.#current();
    const bytes = this.#notes.length === 0 ? record : Buffer.concat([...this.#notes, record]);
    try {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.#file, bytes, at, bytes.length - at, segment.bytes + at);
    } catch (cause) {
      ftruncateSync(this.#file, segment.bytes);
      throw failed(this.#options.directory, cause);
    }
    segment.bytes += bytes.length;
    this.#notes = [];
    this.#notesBytes = 0;
  }

  #current(): Segment {
    const segment = this.#segments.at(-1);
    if (segment === undefined || this.#file < 0)
      throw new AppError({ code: "PRODUCER_CLOSED", kind: "conflict", message: "the spool was closed" });
    return segment;
  }

  #openSegment(): void {
    if (this.#file >= 0) {
      if (this.#options.sync === "disk") fsyncSync(this.#file);
      this.#closeFile();
    }
    const path = join(this.#options.directory, segmentName(this.#nextSegment));
    this.#nextSegment += 1;
    this.#file = openSync(path, "wx");
    writeSync(this.#file, SEGMENT_HEAD);
    this.#segments.push({ path, first: this.#nextNumber, bytes: SEGMENT_HEAD.length, unsettled: 0 });
    if (this.#options.sync === "disk") syncDirectory(this.#options.directory);
  }

  /** From the oldest on: a settlement lies in the same segment as its events or in a later one. */
  #dropSettled(): void {
    while (this.#segments.length > 1 && this.#isSettled()) {
      const oldest = this.#segments.shift();
      if (oldest !== undefined) unlinkSync(oldest.path);
    }
  }

  #isSettled(): boolean {
    const [oldest] = this.#segments;
    if (oldest === undefined || oldest.unsettled > 0) return false;
    // Files of an earlier run share one count, which the last of them carries.
    return this.#segments.every(({ first, unsettled }) => first !== oldest.first || unsettled === 0);
  }

  /** Not before a sync of it has ended. */
  #closeFile(): void {
    const file = this.#file;
    if (this.#syncing === null) closeSync(file);
    else void this.#syncing.catch(() => undefined).then(() => closeSync(file));
  }

  #sync(): Promise<void> {
    const file = this.#file;
    return new Promise<void>((resolve, reject) => {
      fdatasync(file, (error) => {
        this.#syncing = null;
        this.#again = null;
        if (error === null) resolve();
        else reject(failed(this.#options.directory, error));
      });
    });
  }
}

function failed(directory: string, cause: unknown): AppError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AppError({
    code: "SPOOL_FAILED",
    kind: "unavailable",
    message: `The spool ${directory} does not keep the event: ${why}`,
    cause,
  });
}

function syncDirectory(directory: string): void {
  const file = openSync(directory, "r");
  fsyncSync(file);
  closeSync(file);
}
