/**
 * CityHash128 in its version 1.0.2, with which ClickHouse guards its compressed blocks (later versions of CityHash give other values).
 * The algorithm: Geoff Pike and Jyrki Alakuijala, Google, 2011, https://github.com/google/cityhash.
 */

const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;
const K3 = 0xc949d7c7509e6557n;
const MULTIPLIER = 0x9ddfea08eb382d69n;
const STRIDE = 128;

type Pair = readonly [low: bigint, high: bigint];

/** The hash of all bytes as two 64-bit halves. */
export function cityHash128(bytes: Uint8Array): Pair {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = bytes;
  if (length >= 16) return withSeed(view, 16, [word(view, 0) ^ K3, word(view, 8)]);
  if (length >= 8) {
    const seed: Pair = [word(view, 0) ^ u64(BigInt(length) * K0), word(view, length - 8) ^ K1];
    return withSeed(new DataView(new ArrayBuffer(0)), 0, seed);
  }
  return withSeed(view, 0, [K0, K1]);
}

function withSeed(view: DataView, from: number, seed: Pair): Pair {
  const length = view.byteLength - from;
  return length < STRIDE ? murmur(view, from, seed) : long(view, from, seed);
}

/** Fewer than 128 bytes. */
function murmur(view: DataView, from: number, seed: Pair): Pair {
  const length = view.byteLength - from;
  let [a, b] = seed;
  let c: bigint;
  let d: bigint;
  if (length <= 16) {
    a = u64(mix(u64(a * K1)) * K1);
    c = u64(b * K1 + short(view, from));
    d = mix(u64(a + (length >= 8 ? word(view, from) : c)));
  } else {
    c = hash16(u64(word(view, view.byteLength - 8) + K1), a);
    d = hash16(u64(b + BigInt(length)), u64(c + word(view, view.byteLength - 16)));
    a = u64(a + d);
    for (let at = from, left = length - 16; left > 0; at += 16, left -= 16) {
      a = u64((a ^ u64(mix(u64(word(view, at) * K1)) * K1)) * K1);
      b ^= a;
      c = u64((c ^ u64(mix(u64(word(view, at + 8) * K1)) * K1)) * K1);
      d ^= c;
    }
  }
  a = hash16(a, c);
  b = hash16(d, b);
  return [a ^ b, hash16(b, a)];
}

function long(view: DataView, from: number, seed: Pair): Pair {
  let length = view.byteLength - from;
  let at = from;
  let [x, y] = seed;
  let z = u64(BigInt(length) * K1);
  const first = u64(rotate(y ^ K1, 49n) * K1 + word(view, at));
  let v: Pair = [first, u64(rotate(first, 42n) * K1 + word(view, at + 8))];
  let w: Pair = [u64(rotate(u64(y + z), 35n) * K1 + x), u64(rotate(u64(x + word(view, at + 88)), 53n) * K1)];
  for (; length >= STRIDE; length -= STRIDE) {
    for (const half of [0, 64]) {
      const p = at + half;
      x = u64(rotate(u64(x + y + v[0] + word(view, p + 16)), 37n) * K1);
      y = u64(rotate(u64(y + v[1] + word(view, p + 48)), 42n) * K1);
      x ^= w[1];
      y ^= v[0];
      z = rotate(z ^ w[0], 33n);
      v = weak32(view, p, [u64(v[1] * K1), u64(x + w[0])]);
      w = weak32(view, p + 32, [u64(z + w[1]), y]);
      [z, x] = [x, z];
    }
    at += STRIDE;
  }
  y = u64(y + rotate(w[0], 37n) * K0 + z);
  x = u64(x + rotate(u64(v[0] + z), 49n) * K0);
  for (let done = 0; done < length;) {
    done += 32;
    const p = at + length - done;
    y = u64(rotate(u64(y - x), 42n) * K0 + v[1]);
    w = [u64(w[0] + word(view, p + 16)), w[1]];
    x = u64(rotate(x, 49n) * K0 + w[0]);
    w = [u64(w[0] + v[0]), w[1]];
    v = weak32(view, p, v);
  }
  x = hash16(x, v[0]);
  y = hash16(y, w[0]);
  return [u64(hash16(u64(x + v[1]), w[1]) + y), hash16(u64(x + w[1]), u64(y + v[1]))];
}

/** At most 16 bytes. */
function short(view: DataView, from: number): bigint {
  const length = view.byteLength - from;
  if (length > 8) {
    const [a, b] = [word(view, from), word(view, view.byteLength - 8)];
    const size = BigInt(length);
    return hash16(a, rotate(u64(b + size), size)) ^ b;
  }
  if (length >= 4) {
    const low = BigInt(view.getUint32(from, true));
    return hash16(u64(BigInt(length) + (low << 3n)), BigInt(view.getUint32(view.byteLength - 4, true)));
  }
  if (length === 0) return K2;
  const [first, middle, last] = [from, from + (length >> 1), view.byteLength - 1].map((at) => view.getUint8(at));
  const y = BigInt((first ?? 0) + ((middle ?? 0) << 8));
  const z = BigInt(length + ((last ?? 0) << 2));
  return u64(mix(u64(y * K2) ^ u64(z * K3)) * K2);
}

function weak32(view: DataView, at: number, [a, b]: Pair): Pair {
  const [w, x, y, z] = [word(view, at), word(view, at + 8), word(view, at + 16), word(view, at + 24)];
  const first = u64(a + w);
  const inner = u64(first + x + y);
  return [u64(inner + z), u64(rotate(u64(b + first + z), 21n) + rotate(inner, 44n) + first)];
}

function hash16(low: bigint, high: bigint): bigint {
  const a = mix(u64((low ^ high) * MULTIPLIER));
  return u64(mix(u64((high ^ a) * MULTIPLIER)) * MULTIPLIER);
}

function word(view: DataView, at: number): bigint {
  return view.getBigUint64(at, true);
}

function mix(value: bigint): bigint {
  return value ^ (value >> 47n);
}

function rotate(value: bigint, bits: bigint): bigint {
  return u64((value >> bits) | (value << (64n - bits)));
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
