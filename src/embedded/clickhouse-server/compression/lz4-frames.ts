/**
 * LZ4 frames, as `Content-Encoding: lz4` carries them, block by block, so that bodies of any size need little memory.
 * The format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Checksums inside are passed over: TCP has its own.
 */
import { Duplex } from "node:stream";
import { serverError } from "../server-error.ts";
import { CutBytes, inPiecesOf } from "./cut-bytes.ts";
import { compressLz4Block, uncompressLz4Block } from "./lz4-block.ts";

const MAGIC = 0x184d2204;
/** Version 1, blocks that stand alone, of 4 MiB at most; the last byte is the checksum of the two before it. */
const HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
const END = Buffer.alloc(4);
const BLOCK_BYTES = 4 * 1024 ** 2;
const STORED_BIT = 0x8000_0000;
/** A block may refer to so many bytes before it. */
const WINDOW_BYTES = 64 * 1024;

type Frame = {
  readonly blockBytesMax: number;
  /** Blocks refer to what came before them. */
  readonly linked: boolean;
  /** Bytes of checksums behind a block and behind the last one. */
  readonly afterBlock: number;
  readonly atEnd: number;
  /** The last plain bytes of a frame whose blocks are linked. */
  before: Buffer;
};

export function encodeLz4Frame(): Duplex {
  return Duplex.from(async function* (pieces: AsyncIterable<Buffer>) {
    yield HEADER;
    for await (const plain of inPiecesOf(BLOCK_BYTES, pieces)) yield blockOf(plain);
    yield END;
  });
}

/** Also of several frames one behind the other. */
export function decodeLz4Frames(): Duplex {
  return Duplex.from(async function* (pieces: AsyncIterable<Buffer>) {
    const waiting = new CutBytes();
    let frame: Frame | null = null;
    for await (const piece of pieces) {
      waiting.add(piece);
      for (frame ??= readHeader(waiting); frame !== null; frame ??= readHeader(waiting)) {
        const plain = nextBlock(frame, waiting);
        if (plain === null) break;
        if (plain === "end") frame = null;
        else yield plain;
      }
    }
    if (frame !== null || waiting.length > 0) throw corrupt("the last frame is cut off");
  });
}

/** The bytes of one block with their size before them; stored as they are when compressing makes them longer. */
function blockOf(plain: Buffer): Buffer {
  const size = Buffer.alloc(4);
  const compressed = compressLz4Block(plain);
  const isStored = compressed.length >= plain.length;
  size.writeUInt32LE(isStored ? plain.length + STORED_BIT : compressed.length);
  return Buffer.concat([size, isStored ? plain : compressed]);
}

/** The next plain block, or the end of the frame; null when the bytes for it are not all there. */
function nextBlock(frame: Frame, waiting: CutBytes): Buffer | "end" | null {
  const size = waiting.peek(4)?.readUInt32LE(0);
  if (size === undefined) return null;
  if (size === 0) return waiting.take(4 + frame.atEnd) === null ? null : "end";
  const isStored = size >= STORED_BIT;
  const length = isStored ? size - STORED_BIT : size;
  if (length > frame.blockBytesMax) throw corrupt(`a block of ${length} bytes`);
  const block = waiting.take(4 + length + frame.afterBlock)?.subarray(4, 4 + length);
  if (block === undefined) return null;
  const plain = isStored ? block : uncompressed(frame, block);
  if (frame.linked) frame.before = Buffer.concat([frame.before, plain]).subarray(-WINDOW_BYTES);
  return plain;
}

function uncompressed({ before, blockBytesMax }: Frame, block: Buffer): Buffer {
  try {
    return uncompressLz4Block(block, blockBytesMax, before.length > 0 ? before : undefined);
  } catch (error) {
    throw corrupt(String(error));
  }
}

function readHeader(waiting: CutBytes): Frame | null {
  const fixed = waiting.peek(6);
  if (fixed === null) return null;
  if (fixed.readUInt32LE(0) !== MAGIC) throw corrupt("it does not begin with the magic number of a frame");
  const flags = fixed.readUInt8(4);
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const blockBytesMax = 1 << (8 + 2 * ((fixed.readUInt8(5) >> 4) & 7));
  const optional = (has(0x08) ? 8 : 0) + (has(0x01) ? 4 : 0);
  if (waiting.take(6 + optional + 1) === null) return null;
  return {
    blockBytesMax,
    linked: !has(0x20),
    afterBlock: has(0x10) ? 4 : 0,
    atEnd: has(0x04) ? 4 : 0,
    before: Buffer.alloc(0),
  };
}

function corrupt(what: string): Error {
  return serverError({ code: 271, name: "CANNOT_DECOMPRESS", text: `The body is no LZ4 frame: ${what}` });
}
