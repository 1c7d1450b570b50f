/** ClickHouse's RowBinary into one growing buffer: numbers little endian, texts and arrays behind their length as LEB128. */

/** A buffer and how far it is written. Whoever writes fixed parts reserves for them first. */
export type RowBinary = { buffer: Buffer; view: DataView; at: number };

/** Numbers of a row and of an array's element, with the longest length prefixes: all fixed parts fit without looking again. */
export const FIXED_BYTES_MAX = 256;
/** Up to here writing single bytes is faster than calling into the runtime. */
const SHORT_TEXT = 48;
const BYTES_PER_UNIT_MAX = 3;

export function createRowBinary(bytes: number): RowBinary {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return { buffer, view: new DataView(buffer.buffer), at: 0 };
}

/** Makes room for so many bytes and for the fixed part that follows them. */
export function reserve(output: RowBinary, bytes: number): void {
  const needed = output.at + bytes + FIXED_BYTES_MAX;
  if (needed <= output.buffer.length) return;
  const larger = createRowBinary(Math.max(needed, output.buffer.length * 2));
  output.buffer.copy(larger.buffer, 0, 0, output.at);
  output.buffer = larger.buffer;
  output.view = larger.view;
}

export function writeByte(output: RowBinary, value: number): void {
  output.buffer[output.at] = value;
  output.at += 1;
}

export function writeUInt16(output: RowBinary, value: number): void {
  output.view.setUint16(output.at, value, true);
  output.at += 2;
}

export function writeUInt32(output: RowBinary, value: number): void {
  output.view.setUint32(output.at, value, true);
  output.at += 4;
}

/** A UInt64 whose value is a safe integer, without a bigint. */
export function writeSafeInteger(output: RowBinary, value: number): void {
  output.view.setUint32(output.at, value >>> 0, true);
  output.view.setUint32(output.at + 4, Math.floor(value / 2 ** 32), true);
  output.at += 8;
}

export function writeUInt64(output: RowBinary, value: bigint): void {
  output.view.setBigUint64(output.at, value, true);
  output.at += 8;
}

export function writeInt64(output: RowBinary, value: bigint): void {
  output.view.setBigInt64(output.at, value, true);
  output.at += 8;
}

/** 128 bits, little endian, two's complement for negative ones: UInt128, and Decimal(38, 18) as its scaled integer. */
export function write128(output: RowBinary, value: bigint): void {
  output.view.setBigUint64(output.at, BigInt.asUintN(64, value), true);
  output.view.setBigInt64(output.at + 8, BigInt.asIntN(64, value >> 64n), true);
  output.at += 16;
}

/** LEB128, as RowBinary writes lengths. */
export function writeLength(output: RowBinary, length: number): void {
  let rest = length;
  while (rest > 127) {
    writeByte(output, (rest & 127) | 128);
    rest >>>= 7;
  }
  writeByte(output, rest);
}

export function writeBytes(output: RowBinary, bytes: Uint8Array): void {
  reserve(output, bytes.length);
  writeLength(output, bytes.length);
  output.buffer.set(bytes, output.at);
  output.at += bytes.length;
}

export function writeText(output: RowBinary, text: string): void {
  reserve(output, text.length * BYTES_PER_UNIT_MAX);
  if (text.length <= SHORT_TEXT && writeShortAscii(output, text)) return;
  writeLength(output, Buffer.byteLength(text));
  output.at += output.buffer.write(text, output.at, "utf8");
}

/** Writes the text if it is ASCII. Its length then fits into one byte. */
function writeShortAscii(output: RowBinary, text: string): boolean {
  const { buffer, at } = output;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return false;
    buffer[at + 1 + index] = code;
  }
  buffer[at] = text.length;
  output.at = at + 1 + text.length;
  return true;
}
