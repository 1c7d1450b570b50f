/**
 * The body of a message while it is being made: the events' JSON texts as one array. Each is written when it comes, which tells its length as well: to count the
 * bytes first and to join and encode the texts later takes five times as long (0.21 µs per event of 320 bytes instead of 0.04, Node 24).
 */

export type MessageBody = {
  /** Grows with what is written; behind `length` it holds anything. */
  buffer: Buffer;
  /** Of the opening bracket, and of each event with a comma behind it. */
  length: number;
};

const OPENING = "[".charCodeAt(0);
const COMMA = ",".charCodeAt(0);
const CLOSING = "]".charCodeAt(0);
const BUFFER_BYTES = 64 * 1024;
/** Of UTF-8 for a UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

export function emptyBody(): MessageBody {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  buffer[0] = OPENING;
  return { buffer, length: 1 };
}

/** True if the events and their commas stay within so many bytes; the bytes of a text are counted only where its length does not decide. */
export function hasRoomFor({ length }: MessageBody, text: string, bytesMax: number): boolean {
  const left = bytesMax - length;
  return text.length * BYTES_PER_UNIT_MAX <= left || Buffer.byteLength(text) <= left;
}

export function appendText(body: MessageBody, text: string): void {
  const lengthMax = body.length + text.length * BYTES_PER_UNIT_MAX + 1;
  if (lengthMax > body.buffer.length) grow(body, lengthMax);
  const end = body.length + body.buffer.write(text, body.length);
  body.buffer[end] = COMMA;
  body.length = end + 1;
}

/** What was written, a single event as itself and several as an array: until more is written. The body is empty then. */
export function takeBytes(body: MessageBody, events: number): Uint8Array {
  const { buffer, length } = body;
  buffer[length - 1] = CLOSING;
  body.length = 1;
  return events === 1 ? buffer.subarray(1, length - 1) : buffer.subarray(0, length);
}

function grow(body: MessageBody, bytes: number): void {
  const buffer = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * body.buffer.length));
  body.buffer.copy(buffer, 0, 0, body.length);
  body.buffer = buffer;
}
