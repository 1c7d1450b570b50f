/** One request to a ClickHouse server, as a tool without a client library makes it. */
import { request, type IncomingHttpHeaders } from "node:http";

export type HttpQuery = {
  readonly url: string;
  readonly path?: string;
  readonly method?: "GET" | "POST" | "HEAD";
  readonly parameters?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
};
export type HttpAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Headers as they came: names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly bytes: Buffer;
  readonly text: string;
  /** The connection broke off before the end of the answer. */
  readonly broken: boolean;
};

export function ask({
  url,
  path = "/",
  method = "POST",
  parameters = {},
  headers = {},
  body,
  signal,
}: HttpQuery): Promise<HttpAnswer> {
  const query = new URLSearchParams(parameters).toString();
  return new Promise((resolve, reject) => {
    const message = request(
      `${url}${path}${query === "" ? "" : `?${query}`}`,
      { method, headers, signal },
      (response) => {
        const chunks: Buffer[] = [];
        const end = (broken: boolean): void => {
          const bytes = Buffer.concat(chunks);
          const { statusCode = 0, headers: answered, rawHeaders } = response;
          resolve({ status: statusCode, headers: answered, rawHeaders, bytes, text: bytes.toString("utf8"), broken });
        };
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => end(false));
        response.on("error", () => end(true));
      },
    );
    message.on("error", reject);
    message.end(body);
  });
}
