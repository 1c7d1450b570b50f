/**
 * Carries out a client's KILL QUERY. Its condition is a query of the client, asked with the client's rights among the queries that the client sees; only the
 * ids that come back are ended with the server's.
 */
import { setTimeout as delay } from "node:timers/promises";
import { findOwn, findStatement, killAnswer, killStatement, stillRunning, type ClientQuery } from "./client-queries.ts";
import type { EngineRole } from "./engine-config.ts";
import type { EngineSession, Named, SessionResult, SessionSetup } from "./engine-session.ts";
import { SeatQueue } from "./seat-queue.ts";

export type KillInput = Pick<SessionSetup, "database" | "parameters"> & {
  readonly role: EngineRole;
  readonly user: string;
  readonly condition: string;
  /** SYNC: answers when the queries have ended. */
  readonly wait: boolean;
  readonly format: string;
};
export type KillDeps = {
  /** With all rights. */
  readonly control: EngineSession;
  /** With the rights of a role. */
  readonly open: (role: EngineRole) => EngineSession;
};

/** Seats beside those of queries, because KILL is for when these are taken; few, because a condition may be slow. */
const SEATS = [1, 2];
const WAITING_MAX = 100;
const LIMITS: Named = [["max_execution_time", "10"]];
const POLL_MS = 50;
const ATTEMPTS_MAX = 200;

/** The function gives the rows of the answer: what was ended. */
export function createKiller({ control, open }: KillDeps): (input: KillInput) => Promise<SessionResult> {
  const seats = new SeatQueue({ seats: SEATS, perUser: 1, waitingMax: WAITING_MAX });
  return async (input) => {
    const own = await seats.use(input.user, () => ownQueries(open(input.role), input));
    const found = own.length === 0 ? [] : await idsOf(control, findStatement(own));
    const result = await control.run(killAnswer(found, input.wait), input.format);
    await killAll(control, found, input.wait);
    return result;
  };
}

async function ownQueries(session: EngineSession, input: KillInput): Promise<readonly ClientQuery[]> {
  const { database, parameters, condition, role } = input;
  try {
    await session.prepare({ database, settings: LIMITS, parameters, files: [] });
    const { bytes } = await session.run(findOwn(condition, role), "JSONEachRow");
    return linesOf(bytes).map((line) => JSON.parse(line) as ClientQuery);
  } finally {
    session.close();
  }
}

async function killAll(control: EngineSession, engineIds: readonly string[], wait: boolean): Promise<void> {
  if (engineIds.length === 0) return;
  await control.run(killStatement(engineIds), "TSVRaw");
  for (let attempt = 0; wait && attempt < ATTEMPTS_MAX; attempt++) {
    if ((await idsOf(control, stillRunning(engineIds))).length === 0) return;
    await delay(POLL_MS);
  }
}

async function idsOf(control: EngineSession, statement: string): Promise<readonly string[]> {
  return linesOf((await control.run(statement, "TSVRaw")).bytes);
}

function linesOf(bytes: Uint8Array): readonly string[] {
  return Buffer.from(bytes).toString("utf8").split("\n").filter(Boolean);
}
