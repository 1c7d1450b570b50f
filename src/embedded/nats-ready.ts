/** Reads the greeting of a nats-server: its first line is `INFO {…}`, sent to everyone who connects. */
import { connect } from "node:net";

const GREETING_BYTES_MAX = 64 * 1024;
const GREETING_TIMEOUT_MS = 2000;

export type NatsGreeting = { readonly serverName: string; readonly version: string; readonly jetstream: boolean };

/** The greeting, or undefined when nothing there answers like a nats-server in time. */
export function natsGreeting(input: {
  readonly host: string;
  readonly port: number;
}): Promise<NatsGreeting | undefined> {
  return new Promise((resolve) => {
    const socket = connect(input);
    let text = "";
    const finish = (greeting: NatsGreeting | undefined): void => {
      socket.destroy();
      resolve(greeting);
    };
    socket.setTimeout(GREETING_TIMEOUT_MS, () => {
      finish(undefined);
    });
    socket.once("error", () => {
      finish(undefined);
    });
    socket.once("close", () => {
      finish(undefined);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
      if (text.includes("\r\n") || text.length > GREETING_BYTES_MAX) finish(parseGreeting(text));
    });
  });
}

function parseGreeting(text: string): NatsGreeting | undefined {
  const json = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1];
  if (json === undefined) return undefined;
  try {
    const info = JSON.parse(json) as { server_name?: unknown; version?: unknown; jetstream?: unknown };
    return typeof info.server_name === "string" && typeof info.version === "string"
      ? { serverName: info.server_name, version: info.version, jetstream: info.jetstream === true }
      : undefined;
  } catch {
    return undefined;
  }
}
