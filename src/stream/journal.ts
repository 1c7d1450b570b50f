/**
 * The journal on its JetStream stream. Every append names the last sequence it has seen, so that of two at the same time one is told no.
 */
import { JetStreamApiError, type PubAck } from "@nats-io/jetstream";
import type { Journal } from "../app/ports.ts";
import { GENESIS_HASH, type JournalBody, type JournalEntry, type RecordedEntry } from "../domain/journal-entry.ts";
import { assert } from "../kernel/assert.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { AppError } from "../kernel/errors.ts";
import { sha256Hex } from "../kernel/hash.ts";
import { instantText, type Instant } from "../kernel/instant.ts";
import { classifyNatsError, isWrongLastSequence } from "./classify-error.ts";
import type { Nats } from "./connect.ts";
import { JOURNAL_STREAM, JOURNAL_SUBJECT } from "./ensure-streams.ts";
import type { DeliveredMessage } from "./delivered-message.ts";
import { openReader, type SequenceReader } from "./sequence-reader.ts";

type Head = { readonly seq: number; readonly hash: string };
type Outgoing = { readonly seq: number; readonly hash: string; readonly bytes: string };

/** Entries of one append that are under way at a time. */
const APPEND_WINDOW_ENTRIES = 256;
const READ_ENTRIES = 500;
const READ_TIMEOUT_MS = 30_000;
const NO_MESSAGE_FOUND = 10037;
const WRONG_LAST_ID = 10070;

export function createJournal(nats: Nats, deps: { readonly now: () => Instant }): Journal {
  return {
    head: () => readHead(nats),
    read: (input) => readEntries(nats, input),
    append: ({ head, bodies }) => append(nats, encode({ head, bodies, recordedAt: instantText(deps.now()) })),
  };
}

async function readHead(nats: Nats): Promise<Head> {
  try {
    const message = await nats.jsm.streams.getMessage(JOURNAL_STREAM, { last_by_subj: JOURNAL_SUBJECT });
    if (message === null) return { seq: 0, hash: GENESIS_HASH };
    return { seq: message.seq, hash: sha256Hex(message.data) };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === NO_MESSAGE_FOUND) return { seq: 0, hash: GENESIS_HASH };
    throw classifyNatsError(error, "reading the journal's head");
  }
}

function encode(input: {
  readonly head: Head;
  readonly bodies: readonly JournalBody[];
  readonly recordedAt: string;
}): Outgoing[] {
  let { seq, hash } = input.head;
  return input.bodies.map((body) => {
    const entry: JournalEntry = { prev: hash, recordedAt: input.recordedAt, body };
    const bytes = canonicalJson(entry);
    seq += 1;
    hash = sha256Hex(bytes);
    return { seq, hash, bytes };
  });
}

/**
 * The new head, or null when the first entry came too late. Entries go out without waiting for each other, each on two conditions: its sequence,
 * and the id of its predecessor, which is that one's hash. The sequence alone would let an entry in behind a stranger's that took its predecessor's
 * place; one by one, twenty appenders of 200 entries each cut each other off for ever (measured: 9 of them done after 3,000 attempts).
 */
async function append(nats: Nats, entries: readonly Outgoing[]): Promise<Head | null> {
  const outcomes: Promise<Outcome>[] = [];
  for (const [index, entry] of entries.entries()) {
    const earlier = outcomes[index - APPEND_WINDOW_ENTRIES];
    if (earlier !== undefined && (await earlier).error !== undefined) break;
    outcomes.push(outcomeOf(publish(nats, { entry, predecessor: entries[index - 1] })));
  }
  const settled = await Promise.all(outcomes);
  const failed = settled.findIndex((outcome) => outcome.error !== undefined);
  if (failed >= 0) return refused({ reason: settled[failed]?.error, first: failed === 0 });
  const last = entries.at(-1);
  assert(last !== undefined, "an append has at least one entry");
  return { seq: last.seq, hash: last.hash };
}

type Outcome = { readonly error: unknown };

function outcomeOf(publishing: Promise<unknown>): Promise<Outcome> {
  return publishing.then(
    () => ({ error: undefined }),
    (error: unknown) => ({ error: error ?? new Error("publishing failed without a reason") }),
  );
}

type PublishInput = { readonly entry: Outgoing; readonly predecessor: Outgoing | undefined };

/** The hash is the id, so that an entry whose answer was lost is recognised when the client sends it again. */
function publish(nats: Nats, { entry, predecessor }: PublishInput): Promise<PubAck> {
  const lastSequence = entry.seq - 1;
  const expect = predecessor === undefined ? { lastSequence } : { lastSequence, lastMsgID: predecessor.hash };
  return nats.js.publish(JOURNAL_SUBJECT, entry.bytes, { expect, msgID: entry.hash });
}

function refused({ reason, first }: { readonly reason: unknown; readonly first: boolean }): null {
  const late = isWrongLastSequence(reason) || (reason instanceof JetStreamApiError && reason.code === WRONG_LAST_ID);
  if (late && first) return null;
  if (late) {
    throw new AppError({
      code: "JOURNAL_APPEND_CUT",
      kind: "unavailable",
      message:
        "Another process appended to the journal in the middle of this change; what was written of it takes no effect. Try again",
    });
  }
  throw classifyNatsError(reason, "appending to the journal");
}

async function* readEntries(
  nats: Nats,
  input: { readonly after: number; readonly upTo: number },
): AsyncGenerator<RecordedEntry> {
  if (input.upTo <= input.after) return;
  // One entry earlier, so that the first one's `prev` has something to be compared with.
  const from = Math.max(1, input.after);
  const reader = await openReader(nats, { stream: JOURNAL_STREAM, from });
  try {
    for await (const entry of chained(reader, from, input.upTo)) if (entry.seq > input.after) yield entry;
  } finally {
    await reader.close();
  }
}

/** The entries from one position to another, each of which names the hash of the one before. */
async function* chained(reader: SequenceReader, from: number, upTo: number): AsyncGenerator<RecordedEntry> {
  let previous: Head = { seq: from - 1, hash: GENESIS_HASH };
  while (previous.seq < upTo) {
    for (const entry of await readPart(reader, Math.min(READ_ENTRIES, upTo - previous.seq))) {
      if (entry.seq === 1 || entry.seq > from) requireSuccessor(entry, previous);
      previous = entry;
      yield entry;
    }
  }
}

function requireSuccessor({ seq, entry }: RecordedEntry, previous: Head): void {
  if (entry.prev === previous.hash) return;
  throw broken(seq, `entry ${seq} does not name the hash of entry ${previous.seq}`);
}

async function readPart(reader: SequenceReader, entriesMax: number): Promise<RecordedEntry[]> {
  // Decoded afterwards: an error thrown while a message is handed over would end the connection instead of the reading.
  const messages: DeliveredMessage[] = [];
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  try {
    await reader.read({
      messagesMax: entriesMax,
      bytesMax: 0,
      signal,
      onMessage: (message) => {
        messages.push(message);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof AppError && error.code === "STREAM_HOLE")
      throw broken(reader.next, `entry ${reader.next} is gone`);
    throw error;
  }
  if (signal.aborted)
    throw new AppError({ code: "JOURNAL_SILENT", kind: "unavailable", message: "The journal did not answer in time" });
  return messages.map(decode);
}

function decode(message: DeliveredMessage): RecordedEntry {
  const bytes = Buffer.from(message.body).toString("utf8");
  const entry = parsed(message.seq, bytes);
  if (!isEntry(entry)) throw broken(message.seq, `entry ${message.seq} is JSON, but no journal entry`);
  return { seq: message.seq, hash: sha256Hex(message.body), bytes, entry };
}

function parsed(seq: number, bytes: string): unknown {
  try {
    return JSON.parse(bytes);
  } catch (error) {
    throw broken(seq, `entry ${seq} is not JSON (${String(error)})`);
  }
}

/** The frame of an entry. What a body of its kind holds is the business of whoever reads it; an unknown kind may be of a newer release. */
function isEntry(value: unknown): value is JournalEntry {
  const entry = membersOf(value);
  const texts = [entry["prev"], entry["recordedAt"], membersOf(entry["body"])["kind"]];
  return texts.every((text) => typeof text === "string");
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function broken(seq: number, problem: string): AppError {
  return new AppError({
    code: "JOURNAL_CHAIN_BROKEN",
    kind: "broken",
    message: `The journal's chain is broken: ${problem}. Restore the stream JOURNAL from a backup; nothing after this entry can be trusted`,
    details: { seq },
  });
}
