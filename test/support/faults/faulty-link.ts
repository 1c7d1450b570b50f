/** A TCP proxy between a role and a server that delays, cuts and swallows what passes, as a network does. */
import { createServer, connect, type Socket } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export type FaultyLink = {
  readonly port: number;
  /** Every chunk waits so long, in both directions. */
  readonly delay: (ms: number) => void;
  /** Ends every connection with a reset; new ones are taken. */
  readonly reset: () => void;
  /** A partition: nothing passes and nobody is told, as when a cable is pulled. New connections hang. */
  readonly partition: () => void;
  /** Only what the server says is lost: it does what was asked, and the answer never arrives. */
  readonly swallowAnswers: () => void;
  /** Whole again; connections that lost something are reset, as a network's own timeouts would in the end. */
  readonly heal: () => void;
  readonly close: () => Promise<void>;
};

type Pair = { readonly client: Socket; readonly server: Socket };
type Weather = { delayMs: number; toServer: boolean; toClient: boolean };

async function openFaultyLink(target: { readonly host: string; readonly port: number }): Promise<FaultyLink> {
  const weather: Weather = { delayMs: 0, toServer: true, toClient: true };
  const pairs = new Set<Pair>();
  const proxy = createServer((client) => {
    const server = connect(target);
    const pair = { client, server };
    pairs.add(pair);
    pass({ from: client, to: server, weather, open: () => weather.toServer });
    pass({ from: server, to: client, weather, open: () => weather.toClient });
    for (const socket of [client, server]) socket.once("close", () => pairs.delete(pair));
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const reset = (): void => {
    for (const { client, server } of pairs) for (const socket of [client, server]) socket.resetAndDestroy();
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    delay: (ms) => {
      weather.delayMs = ms;
    },
    reset,
    partition: () => {
      Object.assign(weather, { toServer: false, toClient: false });
    },
    swallowAnswers: () => {
      weather.toClient = false;
    },
    heal: () => {
      const lost = !weather.toServer || !weather.toClient;
      Object.assign(weather, { delayMs: 0, toServer: true, toClient: true });
      if (lost) reset();
    },
    close: async () => {
      reset();
      proxy.close();
      await once(proxy, "close");
    },
  };
}

type PassInput = {
  readonly from: Socket;
  readonly to: Socket;
  readonly weather: Weather;
  readonly open: () => boolean;
};

/** Bytes in their order; what comes while the way is closed is gone. */
function pass({ from, to, weather, open }: PassInput): void {
  from.setNoDelay(true);
  from.on("data", (chunk: Buffer) => {
    const deliver = (): void => {
      if (open() && !to.destroyed) to.write(chunk);
    };
    // Equal delays keep the order; a timer of 0 ms would not keep it behind an earlier one.
    if (weather.delayMs > 0) setTimeout(deliver, weather.delayMs);
    else deliver();
  });
  from.on("end", () => setTimeout(() => to.end(), weather.delayMs));
  from.on("error", () => to.destroy());
  from.on("close", () => to.destroy());
}

/** The same address through a link of its own. */
export async function linkTo(url: string): Promise<{ readonly link: FaultyLink; readonly url: string }> {
  const { protocol, hostname, port } = new URL(url);
  const link = await openFaultyLink({ host: hostname, port: Number(port) });
  return { link, url: `${protocol}//127.0.0.1:${link.port}` };
}
