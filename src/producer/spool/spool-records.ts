/**
 * The bytes of the spool: a segment is a head and records, each `length u32 | crc32 u32 | kind u8 | payload`, little endian, the checksum over kind and payload.
 * A process that dies while it writes leaves at most one record that ends too early, at the end of the last segment.
 */
import { crc32 } from "node:zlib";
import { AppError } from "../../kernel/errors.ts";
import type { EventText } from "../producer-types.ts";

export type SpoolRecord =
  | { readonly kind: "event"; readonly number: number; readonly event: EventText }
  /** These events are one message, in this order. */
  | { readonly kind: "message"; readonly numbers: readonly number[] }
  /** The message that begins with this event has its fate. */
  | { readonly kind: "settled"; readonly first: number };

export const SEGMENT_HEAD = Buffer.from("meterline spool 1\n");

const HEAD_BYTES = 9;
const NUMBER_BYTES = 6;
const KINDS = ["event", "message", "settled"] as const;

export function encodeRecord(record: SpoolRecord): Buffer {
  if (record.kind === "settled") return framed(record.kind, numbersOf([record.first]));
  if (record.kind === "message") return framed(record.kind, numbersOf(record.numbers));
  const { source, id, text } = record.event;
  const lengths = Buffer.alloc(4);
  const [sourceBytes, idBytes] = [Buffer.from(source), Buffer.from(id)];
  lengths.writeUInt16LE(sourceBytes.length, 0);
  lengths.writeUInt16LE(idBytes.length, 2);
  return framed(
    record.kind,
    Buffer.concat([numbersOf([record.number]), lengths, sourceBytes, idBytes, Buffer.from(text)]),
  );
}

export type SegmentEnd = {
  /** Where the last whole record ends. */
  readonly bytes: number;
  /** Behind it: of a record that was being written when the process died. */
  readonly tornBytes: number;
};

/** Gives each record in turn. Throws `SPOOL_CORRUPT` when a record that is whole has another checksum. */
export function* decodeRecords(segment: Buffer, path: string): Generator<SpoolRecord, SegmentEnd> {
  if (segment.length < SEGMENT_HEAD.length) return { bytes: 0, tornBytes: segment.length };
  if (!segment.subarray(0, SEGMENT_HEAD.length).equals(SEGMENT_HEAD)) throw corrupt(path, 0);
  let at = SEGMENT_HEAD.length;
  while (at < segment.length) {
    const end = at + HEAD_BYTES + (at + 4 <= segment.length ? segment.readUInt32LE(at) : 0);
    if (at + HEAD_BYTES > segment.length || end > segment.length || isZero(segment.subarray(at))) break;
    if (crc32(segment.subarray(at + 8, end)) !== segment.readUInt32LE(at + 4)) throw corrupt(path, at);
    yield decodePayload(segment.subarray(at + 8, end), path, at);
    at = end;
  }
  return { bytes: at, tornBytes: segment.length - at };
}

function framed(kind: SpoolRecord["kind"], payload: Buffer): Buffer {
  const record = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.writeUInt8(KINDS.indexOf(kind), 8);
  payload.copy(record, HEAD_BYTES);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

function numbersOf(numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(numbers.length * NUMBER_BYTES);
  for (const [index, number] of numbers.entries()) bytes.writeUIntLE(number, index * NUMBER_BYTES, NUMBER_BYTES);
  return bytes;
}

function decodePayload(bytes: Buffer, path: string, at: number): SpoolRecord {
  const kind = KINDS[bytes.readUInt8(0)];
  const payload = bytes.subarray(1);
  const number = (index: number): number => payload.readUIntLE(index * NUMBER_BYTES, NUMBER_BYTES);
  if (kind === "settled") return { kind, first: number(0) };
  if (kind === "message")
    return { kind, numbers: Array.from({ length: payload.length / NUMBER_BYTES }, (_, index) => number(index)) };
  if (kind === undefined) throw corrupt(path, at);
  const texts = NUMBER_BYTES + 4;
  const idAt = texts + payload.readUInt16LE(NUMBER_BYTES);
  const textAt = idAt + payload.readUInt16LE(NUMBER_BYTES + 2);
  const event = {
    source: payload.toString("utf8", texts, idAt),
    id: payload.toString("utf8", idAt, textAt),
    text: payload.toString("utf8", textAt),
  };
  return { kind, number: number(0), event };
}

/** What a file system leaves of a write that a power cut undid. */
function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

function corrupt(path: string, at: number): AppError {
  return new AppError({
    code: "SPOOL_CORRUPT",
    kind: "broken",
    message: `The spool file ${path} was changed at byte ${at}: events behind it may be unsent. Keep the file aside and publish its events anew; what is stored counts once`,
  });
}
