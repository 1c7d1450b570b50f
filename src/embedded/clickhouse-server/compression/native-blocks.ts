/**
 * ClickHouse's own compressed blocks, as `compress=1` and `decompress=1` carry them: a checksum (CityHash128 of the rest), the method, the size with this header
 * of nine bytes, the plain size, and the compressed bytes. All numbers are little endian.
 */
import { Duplex } from "node:stream";
import { zstdDecompressSync } from "node:zlib";
import { serverError } from "../server-error.ts";
import { cityHash128 } from "./cityhash128.ts";
import { CutBytes, inPiecesOf } from "./cut-bytes.ts";
import { compressLz4Block, uncompressLz4Block } from "./lz4-block.ts";

const CHECKSUM_BYTES = 16;
const HEADER_BYTES = 9;
const METHOD = { none: 0x02, lz4: 0x82, zstd: 0x90 } as const;
/** The server refuses larger ones too. */
const BLOCK_BYTES_MAX = 1024 ** 3;
const PLAIN_BLOCK_BYTES = 1024 ** 2;

/** From blocks to plain bytes. Fails with the server's errors: a wrong checksum, an unknown method, a block that is cut off. */
export function decodeNativeBlocks(): Duplex {
  return Duplex.from(async function* (pieces: AsyncIterable<Buffer>) {
    const waiting = new CutBytes();
    for await (const piece of pieces) {
      waiting.add(piece);
      for (let block = nextBlock(waiting); block !== null; block = nextBlock(waiting)) yield plainOf(block);
    }
    if (waiting.length > 0)
      throw serverError({ code: 33, name: "CANNOT_READ_ALL_DATA", text: "The last compressed block is cut off" });
  });
}

/** From plain bytes to blocks of a MiB at most. */
export function encodeNativeBlocks(): Duplex {
  return Duplex.from(async function* (pieces: AsyncIterable<Buffer>) {
    for await (const plain of inPiecesOf(PLAIN_BLOCK_BYTES, pieces)) yield blockOf(plain);
  });
}

/** A whole block without its checksum, which was right; null when it is not all there. */
function nextBlock(waiting: CutBytes): Buffer | null {
  const head = waiting.peek(CHECKSUM_BYTES + HEADER_BYTES);
  if (head === null) return null;
  const size = head.readUInt32LE(CHECKSUM_BYTES + 1);
  const plainSize = head.readUInt32LE(CHECKSUM_BYTES + 5);
  if (size < HEADER_BYTES || size > BLOCK_BYTES_MAX || plainSize > BLOCK_BYTES_MAX) {
    throw serverError({
      code: 131,
      name: "TOO_LARGE_SIZE_COMPRESSED",
      text: `A compressed block says that it has ${size} bytes, ${plainSize} of them plain: most likely corrupted data`,
    });
  }
  const whole = waiting.take(CHECKSUM_BYTES + size);
  if (whole === null) return null;
  const block = whole.subarray(CHECKSUM_BYTES);
  const [low, high] = cityHash128(block);
  if (low !== whole.readBigUInt64LE(0) || high !== whole.readBigUInt64LE(8)) {
    throw serverError({
      code: 40,
      name: "CHECKSUM_DOESNT_MATCH",
      text: "Checksum doesn't match: corrupted data in a compressed block",
    });
  }
  return block;
}

function plainOf(block: Buffer): Buffer {
  const method = block.readUInt8(0);
  const plainSize = block.readUInt32LE(5);
  const plain = uncompressed(method, block.subarray(HEADER_BYTES), plainSize);
  if (plain.length === plainSize) return plain;
  throw cannotDecompress(`${plain.length} bytes came out of a block of ${plainSize}`);
}

function uncompressed(method: number, bytes: Buffer, plainSize: number): Buffer {
  try {
    if (method === METHOD.none) return bytes;
    if (method === METHOD.lz4) return uncompressLz4Block(bytes, plainSize);
    if (method === METHOD.zstd) return zstdDecompressSync(bytes, { maxOutputLength: plainSize });
  } catch (error) {
    throw cannotDecompress(String(error));
  }
  throw serverError({
    code: 89,
    name: "UNKNOWN_COMPRESSION_METHOD",
    text: `Unknown method 0x${method.toString(16)} of a compressed block; known are none, LZ4 and ZSTD`,
  });
}

function cannotDecompress(text: string): Error {
  return serverError({ code: 271, name: "CANNOT_DECOMPRESS", text: `Cannot decompress a block: ${text}` });
}

function blockOf(plain: Buffer): Buffer {
  const compressed = compressLz4Block(plain);
  const block = Buffer.alloc(CHECKSUM_BYTES + HEADER_BYTES + compressed.length);
  block.writeUInt8(METHOD.lz4, CHECKSUM_BYTES);
  block.writeUInt32LE(HEADER_BYTES + compressed.length, CHECKSUM_BYTES + 1);
  block.writeUInt32LE(plain.length, CHECKSUM_BYTES + 5);
  compressed.copy(block, CHECKSUM_BYTES + HEADER_BYTES);
  const [low, high] = cityHash128(block.subarray(CHECKSUM_BYTES));
  block.writeBigUInt64LE(low, 0);
  block.writeBigUInt64LE(high, 8);
  return block;
}
