import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { live, ready } from "../../../src/http/health.ts";
import { startHttpServer, type HttpRoutes, type HttpServer } from "../../../src/http/http-server.ts";
import { freePort } from "../../support/free-port.ts";

const HOST = "127.0.0.1";
let server: HttpServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function serve(routes: HttpRoutes, failures: unknown[] = []): Promise<string> {
  server = await startHttpServer({ host: HOST, port: 0, routes, onError: (error) => void failures.push(error) });
  return server.url;
}

const HELLO = { "/hello": () => Promise.resolve({ status: 200, contentType: "text/plain", body: "grüezi" }) };

describe("answering", () => {
  test("a path gives its body, also with a query, and HEAD only its length", async () => {
    const url = await serve(HELLO);
    const got = await fetch(`${url}/hello?x=1`);
    expect([got.status, got.headers.get("content-type"), await got.text()]).toEqual([200, "text/plain", "grüezi"]);
    const head = await fetch(`${url}/hello`, { method: "HEAD" });
    expect([head.headers.get("content-length"), await head.text()]).toEqual(["7", ""]);
  });

  test("another path is told what there is, another method that it is not allowed", async () => {
    const url = await serve(HELLO);
    const missing = await fetch(`${url}/constructor`);
    expect([missing.status, await missing.text()]).toEqual([404, "not here; there is /hello\n"]);
    const posted = await fetch(`${url}/hello`, { method: "POST", body: "x" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  // Guarantee: what went wrong inside is in the log and not in the answer.
  test("a handler that throws is a 500 without details", async () => {
    const failures: unknown[] = [];
    const secret = new Error("password=1234");
    const url = await serve({ "/fails": () => Promise.reject(secret) }, failures);
    const got = await fetch(`${url}/fails`);
    expect([got.status, await got.text()]).toEqual([500, "failed; the log says why\n"]);
    expect(failures).toEqual([secret]);
  });

  test("stops although a client keeps its connection", async () => {
    const url = await serve(HELLO);
    await (await fetch(`${url}/hello`)).text();
    await server?.stop();
    await expect(fetch(`${url}/hello`)).rejects.toThrow();
  });
});

describe("listening", () => {
  test("a busy port names the setting", async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>((done) => other.listen(port, HOST, done));
    const started = startHttpServer({ host: HOST, port, routes: HELLO, onError: () => undefined });
    await expect(started).rejects.toMatchObject({
      code: "PORT_IN_USE",
      kind: "settings",
      message: expect.stringContaining("METERLINE_HTTP_PORT") as string,
    });
    other.close();
  });

  test("an address of another machine names the setting", async () => {
    const started = startHttpServer({ host: "192.0.2.1", port: 0, routes: HELLO, onError: () => undefined });
    await expect(started).rejects.toMatchObject({
      code: "ADDRESS_NOT_USABLE",
      kind: "settings",
      message: expect.stringContaining("METERLINE_HTTP_HOST") as string,
    });
  });
});

describe("health", () => {
  const fine = { name: "nats", check: () => Promise.resolve("answers") };
  const ill = { name: "clickhouse", check: () => Promise.reject(new Error("gone")) };

  test("live is always live", async () => {
    expect(await live()).toMatchObject({ status: 200, body: '{"status":"live"}\n' });
  });

  test("ready when every check passes", async () => {
    const { status, body } = await ready([fine]);
    expect([status, JSON.parse(body)]).toEqual([
      200,
      { status: "ready", checks: { nats: { ok: true, message: "answers" } } },
    ]);
  });

  test("one check that fails is enough not to be ready, and says why", async () => {
    const { status, body } = await ready([fine, ill]);
    expect([status, JSON.parse(body)]).toEqual([
      503,
      {
        status: "not ready",
        checks: { nats: { ok: true, message: "answers" }, clickhouse: { ok: false, message: "gone" } },
      },
    ]);
  });

  test("a check that never answers is a check that fails", async () => {
    const { status, body } = await ready([{ name: "nats", check: () => new Promise(() => undefined) }]);
    expect([status, body]).toEqual([503, expect.stringContaining("no answer within 1000 ms")]);
  });
});
