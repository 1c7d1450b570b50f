/** The connection to NATS with its JetStream faces. Reconnects for ever: an outage is waited for, never dropped over. */
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { classifyNatsError } from "./classify-error.ts";

export type NatsConfig = {
  readonly url: string;
  readonly name: string;
  /** Absent: the user and password in the URL, if it has some. */
  readonly login?: { readonly user: string; readonly password: string };
  readonly timeoutMs?: number;
};

export type Nats = {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Flushes what is under way and closes. */
  close(): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 250;

export async function connectNats(config: NatsConfig): Promise<Nats> {
  try {
    const connection = await connect({
      ...serverOf(config),
      name: config.name,
      timeout: config.timeoutMs ?? CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
    });
    const jsm = await jetstreamManager(connection, { timeout: CONNECT_TIMEOUT_MS });
    return { connection, jsm, js: jetstream(connection), close: () => connection.drain() };
  } catch (error) {
    throw classifyNatsError(error, `connecting to ${new URL(config.url).host}`);
  }
}

/** The client does not look for a user in the address. */
function serverOf({ url, login }: NatsConfig) {
  const address = new URL(url);
  const inUrl = { user: decodeURIComponent(address.username), password: decodeURIComponent(address.password) };
  const { user, password } = login ?? inUrl;
  address.username = "";
  address.password = "";
  return { servers: address.toString(), ...(user !== "" && { user, pass: password }) };
}
