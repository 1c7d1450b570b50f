/** Hashing for the pure rooms: the one place besides instant and decimal where the core touches node. */
import { createHash, hash } from "node:crypto";

/** SHA-256 as 64 hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** SHA-256 of a text and the bytes behind it, without putting the two together first. */
export function sha256HexOfBoth(text: string, bytes: Uint8Array): string {
  return createHash("sha256").update(text).update(bytes).digest("hex");
}

const digest = new Uint8Array(16);
const halves = new BigUint64Array(digest.buffer);

/**
 * The first 16 bytes of SHA-256, read little endian: what ClickHouse's `reinterpretAsUInt128(substring(SHA256(x), 1, 16))` gives.
 * Twice per event, so the digest comes out as a binary string: 0.3 µs, where a Buffer costs 1.2 µs (measured, Node 24).
 */
export function sha256UInt128(data: string | Uint8Array): bigint {
  const binary = hash("sha256", data, "binary");
  for (let at = 0; at < 16; at += 1) digest[at] = binary.charCodeAt(at);
  return (halves[0] as bigint) | ((halves[1] as bigint) << 64n);
}
