import { buffer } from "node:stream/consumers";
import { Readable, type Duplex } from "node:stream";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { compressFrameSync, decompressFrameSync } from "lz4-napi";
import { describe, expect, test } from "vitest";
import { cityHash128 } from "../../../src/embedded/clickhouse-server/compression/cityhash128.ts";
import {
  decoderFor,
  encoderFor,
  negotiate,
} from "../../../src/embedded/clickhouse-server/compression/content-encoding.ts";
import {
  decodeNativeBlocks,
  encodeNativeBlocks,
} from "../../../src/embedded/clickhouse-server/compression/native-blocks.ts";

/** Sends bytes in pieces of a size through a transform. */
async function through(transform: Duplex, bytes: Uint8Array, pieceBytes = 65_536): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  const source = Readable.from(pieces, { objectMode: false });
  source.on("error", (error) => transform.destroy(error));
  return await buffer(source.pipe(transform));
}

const megabytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => `line ${n * n}\n`).join(""));

/** A block built by hand, so that the decoder is not only tested against the encoder. */
function block(method: number, compressed: Buffer, plainBytes: number): Buffer {
  const head = Buffer.alloc(25);
  head.writeUInt8(method, 16);
  head.writeUInt32LE(9 + compressed.length, 17);
  head.writeUInt32LE(plainBytes, 21);
  const whole = Buffer.concat([head, compressed]);
  const [low, high] = cityHash128(whole.subarray(16));
  whole.writeBigUInt64LE(low, 0);
  whole.writeBigUInt64LE(high, 8);
  return whole;
}

describe("ClickHouse's compressed blocks", () => {
  test("come back as they went in, in pieces of any size", async () => {
    const encoded = await through(encodeNativeBlocks(), megabytes);
    expect(encoded.length).toBeLessThan(megabytes.length / 2);
    expect((await through(decodeNativeBlocks(), encoded, 7)).equals(megabytes)).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 400 }), async (bytes, piece) => {
        const there = await through(encodeNativeBlocks(), bytes, piece);
        expect((await through(decodeNativeBlocks(), there, piece)).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });

  test("are read whatever their method", async () => {
    const plain = Buffer.from("plain as it is");
    const blocks = Buffer.concat([
      block(0x02, plain, plain.length),
      block(0x90, zstdCompressSync(plain), plain.length),
    ]);
    expect((await through(decodeNativeBlocks(), blocks, 3)).toString()).toBe("plain as it isplain as it is");
  });

  // Guarantee: damaged bytes never become rows.
  test("are refused when they are damaged, cut off or of another kind", async () => {
    const good = block(0x02, Buffer.from("abc"), 3);
    const damaged = Buffer.from(good);
    damaged.writeUInt8(0x7a, good.length - 1);
    await expect(through(decodeNativeBlocks(), damaged)).rejects.toMatchObject({ clickhouseCode: 40 });
    await expect(through(decodeNativeBlocks(), good.subarray(0, -1))).rejects.toMatchObject({ clickhouseCode: 33 });
    await expect(through(decodeNativeBlocks(), block(0x42, good, 3))).rejects.toMatchObject({ clickhouseCode: 89 });
    await expect(through(decodeNativeBlocks(), block(0x82, good, 3))).rejects.toMatchObject({ clickhouseCode: 271 });
    await expect(through(decodeNativeBlocks(), Buffer.from("SELECT 1".repeat(9)))).rejects.toMatchObject({
      clickhouseCode: 131,
    });
  });
});

describe("content codings", () => {
  test.each(["gzip", "x-gzip", "deflate", "br", "zstd", "lz4"])("%s goes there and back", async (name) => {
    const [encoder, decoder] = [encoderFor(name), decoderFor(name)];
    if (encoder === null || decoder === null) throw new Error(`${name} is missing`);
    const encoded = await through(encoder, megabytes);
    expect(encoded.length).toBeLessThan(megabytes.length / 2);
    expect((await through(decoder, encoded, 10_007)).equals(megabytes)).toBe(true);
  });

  test("LZ4 frames are what another implementation writes and reads", async () => {
    const [encoder, decoder] = [encoderFor("lz4"), decoderFor("lz4")];
    if (encoder === null || decoder === null) throw new Error("lz4 is missing");
    expect(decompressFrameSync(await through(encoder, megabytes)).equals(megabytes)).toBe(true);
    const checked = compressFrameSync(megabytes, { contentChecksum: true, blockChecksums: true });
    expect((await through(decoder, Buffer.concat([checked, checked]), 999)).length).toBe(megabytes.length * 2);
  });

  test("the answer's coding is one that the client accepts", () => {
    expect(negotiate("gzip, deflate, br, zstd")).toBe("gzip");
    expect(negotiate("zstd;q=1.0, br;q=0.5")).toBe("br");
    expect(negotiate("lz4")).toBe("lz4");
    expect(negotiate("identity")).toBeNull();
    expect(decoderFor("snappy")).toBeNull();
  });
});
