/** Reads the bytes that the sink inserts (RowBinary, columns of `usage_ingest`): the model of ClickHouse gets what the real one gets. */
import { VERDICTS, type UsageRow, type Verdict } from "../../../src/domain/usage-event.ts";
import { assert, present } from "../../../src/kernel/assert.ts";

type Input = { readonly bytes: Buffer; at: number };
type Use = UsageRow["uses"][number];

export function readUsageRows(bytes: Uint8Array): UsageRow[] {
  const input: Input = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), at: 0 };
  const rows: UsageRow[] = [];
  while (input.at < bytes.length) rows.push(readRow(input));
  assert(input.at === bytes.length, "the last row is whole");
  return rows;
}

/** In the order of the columns: an object literal is evaluated from top to bottom. */
function readRow(input: Input): UsageRow {
  return {
    shard: Number(readUnsigned(input, 2)),
    incarnation: readUnsigned(input, 8),
    seq: Number(readUnsigned(input, 8)),
    position: Number(readUnsigned(input, 4)),
    batchFirst: Number(readUnsigned(input, 8)),
    cut: Number(readUnsigned(input, 4)),
    subject: readText(input),
    ingestedAt: BigInt.asIntN(64, readUnsigned(input, 8)),
    source: readText(input),
    id: readText(input),
    type: readText(input),
    customer: readText(input),
    eventTime: BigInt.asIntN(64, readUnsigned(input, 8)),
    verdict: readVerdict(input),
    reason: readText(input) as UsageRow["reason"],
    detail: readText(input),
    eventKey: readUnsigned(input, 16),
    bodyHash: readUnsigned(input, 16),
    raw: readBytes(input),
    uses: readMany(input, readUse),
    retraction: readRetraction(input),
  };
}

/** An array of none or one; nobody takes usage back in these worlds. */
function readRetraction(input: Input): undefined {
  assert(readLength(input) === 0, "a row without a retraction");
}

function readUse(input: Input): Use {
  return {
    meter: readText(input),
    aggregation: readText(input) as Use["aggregation"],
    quantity: BigInt.asIntN(128, readUnsigned(input, 16)),
    text: readText(input),
    dimensions: readMany(input, () => ({ name: readText(input), value: readText(input) })),
  };
}

function readMany<T>(input: Input, read: (input: Input) => T): T[] {
  return Array.from({ length: readLength(input) }, () => read(input));
}

function readVerdict(input: Input): Verdict {
  return present(VERDICTS[Number(readUnsigned(input, 1)) - 1], "a verdict of the Enum8");
}

/** Little endian. */
function readUnsigned(input: Input, size: number): bigint {
  let value = 0n;
  for (let index = size - 1; index >= 0; index -= 1) value = (value << 8n) | BigInt(byteAt(input, input.at + index));
  input.at += size;
  return value;
}

function byteAt(input: Input, at: number): number {
  return present(input.bytes[at], "a byte of a whole row");
}

/** LEB128. */
function readLength(input: Input): number {
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = byteAt(input, input.at);
    input.at += 1;
    length += (byte & 127) * 2 ** shift;
    if (byte < 128) return length;
  }
}

function readBytes(input: Input): Uint8Array {
  const length = readLength(input);
  const bytes = input.bytes.subarray(input.at, input.at + length);
  assert(bytes.length === length, "a text lies within the bytes");
  input.at += length;
  return bytes;
}

function readText(input: Input): string {
  return Buffer.from(readBytes(input)).toString("utf8");
}
