/** A loopback port that was free a moment ago. The kernel hands out ephemeral ports in turn, so two callers in a row never get the same one. */
import { createServer } from "node:net";

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error("the kernel gave no port"));
        return;
      }
      server.close(() => {
        resolve(address.port);
      });
    });
  });
}
