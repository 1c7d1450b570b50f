/** Who may ask: loopback names in the Host header (a page in a browser must not reach the server by another name), and one user. */
import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { sha256Hex } from "../../kernel/hash.ts";
import type { HttpRequest } from "./http-request.ts";
import { serverError } from "./server-error.ts";

export type Access = { readonly user: string; readonly password: string };

const LOOPBACK_HOST = /^(127(?:\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/i;
const AUTHENTICATION_FAILED = 516;

export function requireLoopbackHost(message: IncomingMessage): void {
  if (LOOPBACK_HOST.test(message.headers.host ?? "")) return;
  throw serverError({
    code: AUTHENTICATION_FAILED,
    name: "AUTHENTICATION_FAILED",
    text: "The Host header must name the loopback interface",
  });
}

export function requireUser(request: HttpRequest, access: Access): void {
  if (equal(request.user, access.user) && equal(request.password, access.password)) return;
  throw serverError({
    code: AUTHENTICATION_FAILED,
    name: "AUTHENTICATION_FAILED",
    text: `${request.user}: Authentication failed: password is incorrect, or there is no user with such name`,
  });
}

/** In a time that does not depend on how much of the text is right. */
function equal(given: string, wanted: string): boolean {
  return timingSafeEqual(Buffer.from(sha256Hex(given)), Buffer.from(sha256Hex(wanted)));
}
