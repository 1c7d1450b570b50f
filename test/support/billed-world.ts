/**
 * A month from events to invoices on real servers: the example catalog, some hundred events of every meter and verdict, rated and drafted, and
 * finalized for some customers. What production wires, wired the same way.
 */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { createContext } from "../../cmd/context.ts";
import { generateUsage } from "../../cmd/demo/generate-events.ts";
import { lastCompleteMonth } from "../../cmd/demo/last-complete-month.ts";
import { publishUsage, untilCounted } from "../../cmd/demo/publish-usage.ts";
import { prepareServices } from "../../cmd/embedded/start-embedded.ts";
import { invoicingSettings } from "../../cmd/commands/invoice.ts";
import { runSinkRole } from "../../cmd/commands/sink.ts";
import { openServices, type Services } from "../../cmd/services.ts";
import { systemClock } from "../../cmd/system-clock.ts";
import { applyCatalog } from "../../src/app/catalog/apply-catalog.ts";
import { draftInvoices } from "../../src/app/invoicing/draft-invoices.ts";
import { finalizeInvoices, type FinalizedInvoices } from "../../src/app/invoicing/finalize-invoices.ts";
import { verify } from "../../src/app/verify/verify.ts";
import type { Discrepancy } from "../../src/domain/discrepancy.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { readCatalogFiles } from "../../src/files/read-catalog-files.ts";
import { startTestServers } from "./servers.ts";

const CATALOG = resolve(import.meta.dirname, "../../docs/examples/catalog");
/** A fortieth of them feeds each of the meters beside the completions. */
const EVENTS = 800;
/** So that there is more than one batch. */
const BATCH_EVENTS_MAX = 400;

export type BilledWorld = {
  readonly services: Services;
  /** What a command of another process needs to find the servers. */
  readonly env: Readonly<Record<string, string>>;
  readonly month: string;
  readonly runId: string;
  readonly finalize: (customers: readonly string[]) => Promise<FinalizedInvoices>;
  readonly verify: () => Promise<readonly Discrepancy[]>;
  /** The first column of a query's only row, as text. */
  readonly value: (sql: string) => Promise<string>;
  readonly command: (sql: string) => Promise<void>;
  readonly stop: () => Promise<void>;
};

export async function startBilledWorld(finalizedCustomers: readonly string[]): Promise<BilledWorld> {
  const servers = await startTestServers();
  const env = {
    METERLINE_HOME: servers.home,
    METERLINE_NATS_URL: servers.natsUrl,
    METERLINE_CLICKHOUSE_URL: servers.clickhouseUrl,
    METERLINE_LOG_LEVEL: "error",
    METERLINE_BATCH_EVENTS_MAX: String(BATCH_EVENTS_MAX),
    // The test servers keep at most 1 GiB.
    METERLINE_USAGE_STREAM_BYTES: String(256 * 1024 ** 2),
    METERLINE_JOURNAL_STREAM_BYTES: String(64 * 1024 ** 2),
  };
  const settings = loadSettings(env);
  const context = createContext({ settings, json: true, name: "billed world" });
  const stop = async (): Promise<void> => {
    await context.close();
    await servers.stop();
  };
  try {
    await prepareServices(context);
    const services = await openServices(context);
    await applyExamples(services);
    const month = await countMonth(services, async (signal) => runSinkRole(context, signal));
    const { run } = await draftInvoices(services.invoicing, { period: month, customers: [] });
    const finalize = (customers: readonly string[]): Promise<FinalizedInvoices> =>
      finalizeInvoices(services.invoicing, { period: month, customers, settings: invoicingSettings(settings) });
    await finalize(finalizedCustomers);
    return { services, env, month, runId: run.runId, finalize, stop, ...questions(services) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function applyExamples({ journal, reader, project }: Services): Promise<void> {
  await applyCatalog(
    { journal, reader, project, newChangeId: randomUUID },
    {
      files: readCatalogFiles(CATALOG).catalog,
      now: systemClock.now(),
      prune: false,
      confirm: () => Promise.resolve(true),
    },
  );
}

/** Publishes the last complete month, and drains the sink when all of it is counted. */
async function countMonth(services: Services, sink: (signal: AbortSignal) => Promise<void>): Promise<string> {
  const { catalog } = await services.reader.head();
  const { month, period } = lastCompleteMonth({
    contracts: [...catalog.contracts.values()].flat().map((version) => version.definition),
    now: systemClock.now(),
    graceHours: loadSettings({}).graceHours,
  });
  const stopping = new AbortController();
  const sinking = sink(stopping.signal);
  try {
    await publishUsage(services, generateUsage({ events: EVENTS, period }).messages);
    await untilCounted(services);
  } finally {
    stopping.abort();
    await sinking;
  }
  return month;
}

function questions(services: Services): Pick<BilledWorld, "verify" | "value" | "command"> {
  const doing = "testing";
  return {
    verify: async () => (await verify(services.verify(() => undefined))).discrepancies,
    value: async (sql) => {
      const rows = await services.clickhouse.rows<Record<string, string | number>>({ sql, doing });
      const [first] = Object.values(rows[0] ?? {});
      if (rows.length !== 1 || first === undefined) throw new Error(`${String(rows.length)} rows from ${sql}`);
      return String(first);
    },
    command: (sql) => services.clickhouse.command({ sql, doing, settings: { mutations_sync: "2" } }),
  };
}
