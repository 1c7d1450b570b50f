/**
 * LZ4 frames, as `Content-Encoding: lz4` carries them, block by block, so that bodies of any size need little memory.
 * The format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Checksums inside are passed over: TCP has its own.
 */
import { Transform, type TransformCallback } from "node:stream";
import { serverError } from "../server-error.ts";
import { CutBytes } from "./cut-bytes.ts";
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
  readonly linked: boolean;
  readonly afterBlock: number;
  readonly atEnd: number;
};

export function encodeLz4Frame(): Transform {
  const waiting = new CutBytes();
  let begun = false;
  const block = (plain: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    const compressed = compressLz4Block(plain);
    const stored = compressed.length >= plain.length;
    size.writeUInt32LE(stored ? plain.length + STORED_BIT : compressed.length);
    const head = begun ? [] : [HEADER];
    begun = true;
    return Buffer.concat([...head, size, stored ? plain : compressed]);
  };
  return new Transform({
    transform(this: Transform, chunk: Buffer, _encoding, done: TransformCallback) {
      waiting.add(chunk);
      for (let plain = waiting.take(BLOCK_BYTES); plain !== null; plain = waiting.take(BLOCK_BYTES))
        this.push(block(plain));
      done();
    },
    flush(this: Transform, done: TransformCallback) {
      const last = waiting.length > 0 ? waiting.take(waiting.length) : null;
      if (last !== null) this.push(block(last));
      if (!begun) this.push(HEADER);
      this.push(END);
      done();
    },
  });
}

/** Also of several frames one behind the other. */
export function decodeLz4Frames(): Transform {
  const waiting = new CutBytes();
  let frame: Frame | null = null;
  let before: Buffer = Buffer.alloc(0);
  /** The next plain block; null when the bytes for it are not all there. */
  const next = (): Buffer | null => {
    frame ??= readHeader(waiting);
    const size = frame === null ? undefined : waiting.peek(4)?.readUInt32LE(0);
    if (frame === null || size === undefined) return null;
    if (size === 0) {
      if (waiting.take(4 + frame.atEnd) === null) return null;
      frame = null;
      before = Buffer.alloc(0);
      return waiting.length > 0 ? next() : null;
    }
    const length = size >= STORED_BIT ? size - STORED_BIT : size;
    if (length > frame.blockBytesMax) throw corrupt(`a block of ${length} bytes`);
    const block = waiting.take(4 + length + frame.afterBlock)?.subarray(4, 4 + length);
    if (block === undefined) return null;
    const dictionary = frame.linked && before.length > 0 ? before : undefined;
    const plain = size >= STORED_BIT ? block : uncompressLz4Block(block, frame.blockBytesMax, dictionary);
    if (frame.linked) before = Buffer.concat([before, plain]).subarray(-WINDOW_BYTES);
    return plain;
  };
  return new Transform({
    transform(this: Transform, chunk: Buffer, _encoding, done: TransformCallback) {
      waiting.add(chunk);
      try {
        for (let plain = next(); plain !== null; plain = next()) this.push(plain);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done: TransformCallback) {
      done(frame !== null || waiting.length > 0 ? corrupt("the last frame is cut off") : null);
    },
  });
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
  return { blockBytesMax, linked: !has(0x20), afterBlock: has(0x10) ? 4 : 0, atEnd: has(0x04) ? 4 : 0 };
}

function corrupt(what: string): Error {
  return serverError({ code: 271, name: "CANNOT_DECOMPRESS", text: `The body is no LZ4 frame: ${what}` });
}
