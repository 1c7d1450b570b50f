/**
 * A page in a browser must not reach the server: neither under a name of its own, which the Host header shows, nor by sending a form or a request to the
 * loopback address, where the browser names the page's origin. Without a password there is nothing else between them.
 */
import type { IncomingMessage } from "node:http";
import { serverError } from "./server-error.ts";

const LOOPBACK = String.raw`(127(?:\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?`;
const LOOPBACK_HOST = new RegExp(`^${LOOPBACK}$`, "i");
const LOOPBACK_ORIGIN = new RegExp(`^https?://${LOOPBACK}$`, "i");

export function requireLoopbackHost({ headers }: IncomingMessage): void {
  if (!LOOPBACK_HOST.test(headers.host ?? "")) throw refused("Host");
  if (headers.origin !== undefined && !LOOPBACK_ORIGIN.test(headers.origin)) throw refused("Origin");
}

function refused(header: string): Error {
  return serverError({
    code: 516,
    name: "AUTHENTICATION_FAILED",
    text: `The ${header} header must name the loopback interface`,
  });
}
