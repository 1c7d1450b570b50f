/** The official JavaScript client, which every clone has, through all cells of the matrix in docs/clickhouse-clients.md. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startClickHouseServer, type ClickHouseServer } from "../../../src/embedded/clickhouse-server.ts";
import { CLIENT_CELLS } from "../../clients/cells.ts";
import { CLIENT_PROGRAMS, runProgram } from "../../clients/programs.ts";
import { freePort } from "../../support/free-port.ts";
import { tempDir } from "../../support/temp-dir.ts";

const USER = "clients";
const PASSWORD = "k%+&: x";
const CLIENT = "@clickhouse/client";

let home: Awaited<ReturnType<typeof tempDir>>;
let server: ClickHouseServer;

beforeAll(async () => {
  home = await tempDir("clickhouse-clients");
  server = await startClickHouseServer({
    home: home.path,
    host: "127.0.0.1",
    port: await freePort(),
    user: USER,
    password: PASSWORD,
  });
});

afterAll(async () => {
  await server.stop();
  await home.remove();
});

test(`${CLIENT} does all that is asked of a client`, async () => {
  const program = CLIENT_PROGRAMS.find(({ clients }) => clients.includes(CLIENT));
  if (program === undefined) throw new Error(`no program for ${CLIENT}`);
  const results = await runProgram(program, { url: server.url, user: USER, password: PASSWORD });
  expect(results.filter(({ ok }) => ok === false)).toEqual([]);
  const done = results.filter(({ ok }) => ok === true).map(({ cell }) => cell);
  expect(new Set(done)).toEqual(new Set(CLIENT_CELLS.map(({ id }) => id)));
});
