/**
 * Everything in one process with its two children: the servers, the schema, the streams and the sink for all shards. What `up` keeps running
 * and the demo runs for a while.
 */
import { resolve } from "node:path";
import type { Settings } from "../../src/config/settings.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { removeAddresses, writeAddresses } from "../addresses.ts";
import { runBillerRole } from "../commands/biller.ts";
import { runSinkRole } from "../commands/sink.ts";
import { createContext, type Context } from "../context.ts";
import { startObservation, type Observation } from "../observe/start-observation.ts";
import { prepareServices, startEmbedded } from "./start-embedded.ts";

export type Everything = {
  readonly context: Context;
  /** Sentences for people: what runs where. */
  readonly told: readonly string[];
  /** Metrics and health; undefined where METERLINE_HTTP_PORT is 0. */
  readonly httpUrl: string | undefined;
  /** Resolves when the sink has drained after `stop`; rejects with what ended it before. */
  readonly running: Promise<void>;
  /** Drains the sink, then ends the servers. Safe to call twice. */
  readonly stop: () => Promise<void>;
};

export type RunEverythingInput = {
  readonly settings: Settings;
  readonly json: boolean;
  readonly name: string;
  readonly log: (line: string) => void;
  /** Whether months that have ended are rated and drafted as well. */
  readonly biller: boolean;
};

/** Whoever starts an instance to look at something has this long before a draft may be in the way. */
const BILLER_WAIT_MS = 60_000;

/** Resolves when events can be published and are stored. */
export async function runEverything(input: RunEverythingInput): Promise<Everything> {
  const { settings, json, name, log } = input;
  const servers = await startEmbedded(settings, log);
  const context = createContext({ settings, json, name, addresses: servers.addresses });
  // Only this process can be the writer where the NATS server is its own: the home's lock says so.
  const instance = settings.natsUrl === undefined ? resolve(settings.home) : "";
  let observation: Observation | undefined;
  const end = async (): Promise<void> => {
    removeAddresses(settings.home);
    await observation?.close();
    await context.close().catch(() => undefined);
    await servers.stop();
  };
  try {
    // After the servers: of two instances with the same home, the second one is told about the home and not about a port.
    observation = await startObservation({ ...context, role: name });
    await prepareServices(context, instance);
    writeAddresses(settings.home, servers.addresses);
  } catch (error) {
    await end();
    throw error;
  }
  const drain = new AbortController();
  const sink = runSinkRole(context, drain.signal, {
    observation,
    instance,
  });
  const biller = input.biller
    ? runBillerRole(context, drain.signal, { finalize: false, once: false, waitMs: BILLER_WAIT_MS, observation })
    : Promise.resolve();
  const roles = Promise.all([sink, biller]).then(() => undefined);
  const running = Promise.race([roles, servers.failed]);
  running.catch(() => undefined);
  let stopped: Promise<void> | undefined;
  return {
    context,
    told: [...servers.told, ...(observation.url === undefined ? [] : [toldOf(observation.url)])],
    httpUrl: observation.url,
    running,
    stop: () => (stopped ??= drainAndEnd()),
  };

  async function drainAndEnd(): Promise<void> {
    drain.abort();
    const late = new Promise<"late">((done) => {
      setTimeout(done, settings.drainTimeoutMs, "late" as const).unref();
    });
    const outcome = await Promise.race([Promise.allSettled([sink, biller]), late]);
    await end();
    if (outcome === "late") throw drainTooSlow(settings.drainTimeoutMs);
  }
}

function toldOf(url: string): string {
  return `HTTP        ${url}  (metrics and health)`;
}

function drainTooSlow(timeoutMs: number): AppError {
  return new AppError({
    code: "DRAIN_TIMEOUT",
    kind: "unavailable",
    message: `The batch under way was not stored within ${String(timeoutMs)} ms (METERLINE_DRAIN_TIMEOUT_MS). Nothing is lost: the next start stores it first`,
  });
}
