/** The Host header must name the loopback interface: a page in a browser must not reach the server under a name of its own. */
import type { IncomingMessage } from "node:http";
import { serverError } from "./server-error.ts";

const LOOPBACK_HOST = /^(127(?:\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/i;

export function requireLoopbackHost(message: IncomingMessage): void {
  if (LOOPBACK_HOST.test(message.headers.host ?? "")) return;
  throw serverError({
    code: 516,
    name: "AUTHENTICATION_FAILED",
    text: "The Host header must name the loopback interface",
  });
}
