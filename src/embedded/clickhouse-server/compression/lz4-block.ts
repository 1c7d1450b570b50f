/** LZ4 blocks: the library puts the plain size before its blocks, the formats that are built of blocks say it elsewhere. */
import { compressSync, uncompressSync } from "lz4-napi";

const SIZE_BYTES = 4;

export function compressLz4Block(plain: Buffer): Buffer {
  return compressSync(plain).subarray(SIZE_BYTES);
}

/** `plainBytesMax`: what the block may hold at most. Throws when it is no LZ4 block or holds more. */
export function uncompressLz4Block(block: Uint8Array, plainBytesMax: number, dictionary?: Buffer): Buffer {
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeUInt32LE(plainBytesMax);
  return uncompressSync(Buffer.concat([size, block]), dictionary);
}
