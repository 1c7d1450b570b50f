/** Requests whose body or answer is a file: as large as it likes, in bounded memory. */
import { createReadStream, createWriteStream } from "node:fs";
import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import type { Settings } from "./output-formats.ts";

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly error: string };

/** Writes the answer to the file; a failure's text comes back. */
export async function download(input: {
  readonly url: string;
  readonly sql: string;
  readonly settings: Settings;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}): Promise<Answer> {
  const { message, response } = post(`${input.url}/?${new URLSearchParams(input.settings).toString()}`, input.headers);
  message.end(input.sql);
  const answer = await response;
  if (answer.statusCode !== 200) return answerOf(answer, await text(answer));
  await pipeline(answer, createWriteStream(input.path));
  return answerOf(answer, "");
}

/** Sends the file behind the statement, which is in the URL. */
export async function upload(input: {
  readonly url: string;
  readonly sql: string;
  readonly settings: Settings;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}): Promise<Answer> {
  const parameters = new URLSearchParams({ query: input.sql, ...input.settings });
  const { message, response } = post(`${input.url}/?${parameters.toString()}`, input.headers);
  // A server that refuses closes before everything is sent; its answer says why.
  const sent = pipeline(createReadStream(input.path), message).catch(() => undefined);
  const answer = await response;
  const error = await text(answer);
  await sent;
  return answerOf(answer, error);
}

type Posted = { readonly message: ClientRequest; readonly response: Promise<IncomingMessage> };

function post(url: string, headers: Readonly<Record<string, string>> = {}): Posted {
  const message = request(url, { method: "POST", headers });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    message.once("response", resolve).once("error", reject);
  });
  return { message, response };
}

function answerOf(answer: IncomingMessage, error: string): Answer {
  return { status: answer.statusCode ?? 0, headers: answer.headers, error };
}
