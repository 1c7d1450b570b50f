/** The commands by name, in the order of `--help`. The summaries stand here, so that `--help` loads none of them. */
import type { Command } from "commander";

export type Register = (program: Command) => void;
export type CommandEntry = { readonly name: string; readonly summary: string; readonly load: () => Promise<Register> };

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "up",
    summary: "starts everything and prints the addresses; Ctrl-C drains",
    load: async () => (await import("./commands/up.ts")).registerUp,
  },
  {
    name: "demo",
    summary: "the whole way on generated usage, from publishing to a verified invoice; then ends",
    load: async () => (await import("./commands/demo.ts")).registerDemo,
  },
  {
    name: "migrate",
    summary: "brings the ClickHouse schema up to date",
    load: async () => (await import("./commands/migrate.ts")).registerMigrate,
  },
  {
    name: "apply",
    summary: "catalog files into the journal: shows what changes, then asks",
    load: async () => (await import("./commands/apply.ts")).registerApply,
  },
  {
    name: "publish",
    summary: "publishes an NDJSON or CSV file as usage events; resumable, safe to run twice",
    load: async () => (await import("./commands/publish.ts")).registerPublish,
  },
  {
    name: "rate",
    summary: "rates a period from the usage known now, or repeats a recorded run",
    load: async () => (await import("./commands/rate.ts")).registerRate,
  },
  {
    name: "invoice",
    summary: "drafts, finalizes, lists and shows invoices",
    load: async () => (await import("./commands/invoice.ts")).registerInvoice,
  },
  {
    name: "explain",
    summary: "what stands behind an invoice line, down to its events",
    load: async () => (await import("./commands/explain.ts")).registerExplain,
  },
  {
    name: "verify",
    summary: "checks everything against what was received; exit 1 on any mismatch",
    load: async () => (await import("./commands/verify.ts")).registerVerify,
  },
  {
    name: "shards",
    summary: "where each shard stands; what to do after a restore: refill, adopt",
    load: async () => (await import("./commands/shards.ts")).registerShards,
  },
  {
    name: "quarantine",
    summary: "rejected events: lists and shows them, and brings them in again",
    load: async () => (await import("./commands/quarantine.ts")).registerQuarantine,
  },
  {
    name: "quote",
    summary: "prices a quantity or a file of cases, offline",
    load: async () => (await import("./commands/quote.ts")).registerQuote,
  },
  {
    name: "simulate",
    summary: "what a period would have cost under a changed catalog, by customer; changes nothing",
    load: async () => (await import("./commands/simulate.ts")).registerSimulate,
  },
  {
    name: "sink",
    summary: "role: stores usage from NATS in ClickHouse",
    load: async () => (await import("./commands/sink.ts")).registerSink,
  },
  {
    name: "biller",
    summary: "role: rates and drafts periods when they have ended",
    load: async () => (await import("./commands/biller.ts")).registerBiller,
  },
  {
    name: "clickhouse",
    summary: "role: the embedded ClickHouse alone",
    load: async () => (await import("./commands/clickhouse.ts")).registerClickHouse,
  },
];
