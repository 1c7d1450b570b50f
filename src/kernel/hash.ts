/** Hashing for the pure rooms: the one place besides instant and decimal where the core touches node. */
import { hash } from "node:crypto";

/** SHA-256 as 64 hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** The first 16 bytes of SHA-256, read little endian: what ClickHouse's `reinterpretAsUInt128(substring(SHA256(x), 1, 16))` gives. */
export function sha256UInt128(data: string | Uint8Array): bigint {
  const bytes = hash("sha256", data, "buffer");
  return bytes.readBigUInt64LE(0) | (bytes.readBigUInt64LE(8) << 64n);
}
