/** Asks for a port before a server is started on it, so that the message names the setting and not a system call. */
import { createServer } from "node:net";
import { AppError } from "../kernel/errors.ts";

export type ProbePortInput = { readonly host: string; readonly port: number; readonly setting: string };

/** Throws `PORT_IN_USE` or `ADDRESS_NOT_USABLE` when the address cannot be listened on. */
export async function probePort(input: ProbePortInput): Promise<void> {
  try {
    await listenOnce(input);
  } catch (error) {
    throw error instanceof Error ? listenError(error, input) : error;
  }
}

/** Listens there for a moment; rejects with the system's error. */
export function listenOnce({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => {
        resolve();
      });
    });
  });
}

export function listenError(error: Error, input: ProbePortInput): AppError {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  const address = `${input.host}:${input.port}`;
  return code === "EADDRINUSE"
    ? new AppError({
        code: "PORT_IN_USE",
        kind: "settings",
        message: `${address} is already in use. Stop what listens there, or choose another port with ${input.setting}.`,
        cause: error,
      })
    : new AppError({
        code: "ADDRESS_NOT_USABLE",
        kind: "settings",
        message: `${address} cannot be listened on (${code}). Choose another port with ${input.setting}.`,
        cause: error,
      });
}
