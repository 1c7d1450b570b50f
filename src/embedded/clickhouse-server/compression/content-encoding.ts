/** HTTP's content codings, by the names that ClickHouse knows. */
import type { Duplex } from "node:stream";
import {
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createGunzip,
  createGzip,
  createInflate,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import { decodeLz4Frames, encodeLz4Frame } from "./lz4-frames.ts";

type Codec = { readonly encoder: () => Duplex; readonly decoder: () => Duplex };

const GZIP: Codec = { encoder: () => createGzip({ level: 3 }), decoder: createGunzip };
/** In the order in which a server chooses among what the client accepts. */
const CODECS: ReadonlyMap<string, Codec> = new Map<string, Codec>([
  ["gzip", GZIP],
  ["x-gzip", GZIP],
  ["deflate", { encoder: createDeflate, decoder: createInflate }],
  ["br", { encoder: () => createBrotliCompress({ params: { 1: 4 } }), decoder: createBrotliDecompress }],
  ["lz4", { encoder: encodeLz4Frame, decoder: decodeLz4Frames }],
  ["zstd", { encoder: createZstdCompress, decoder: createZstdDecompress }],
]);
const PREFERRED = ["gzip", "br", "zstd", "lz4", "deflate"];

export function decoderFor(name: string): Duplex | null {
  return CODECS.get(name.toLowerCase())?.decoder() ?? null;
}

export function encoderFor(name: string): Duplex | null {
  return CODECS.get(name.toLowerCase())?.encoder() ?? null;
}

/** The coding of an answer to a client with this Accept-Encoding; null: as it is. */
export function negotiate(acceptEncoding: string): string | null {
  const accepted = acceptEncoding
    .toLowerCase()
    .split(",")
    .map((part) => part.trim().split(";")[0]);
  return PREFERRED.find((name) => accepted.includes(name)) ?? null;
}
