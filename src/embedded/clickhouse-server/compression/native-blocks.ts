import type { Transform } from "node:stream";
import { serverError } from "../server-error.ts";

export function decodeNativeBlocks(): Transform {
  throw serverError({ code: 48, name: "NOT_IMPLEMENTED", text: "decompress=1 is not supported" });
}
export function encodeNativeBlocks(): Transform {
  throw serverError({ code: 48, name: "NOT_IMPLEMENTED", text: "compress=1 is not supported" });
}
