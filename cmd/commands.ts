/** The commands by name, in the order of `--help`. Each is loaded when it is needed. */
import type { Command } from "commander";

export type Register = (program: Command) => void;
export type CommandEntry = { readonly name: string; readonly load: () => Promise<Register> };

export const COMMANDS: readonly CommandEntry[] = [
  { name: "up", load: async () => (await import("./commands/up.ts")).registerUp },
  { name: "demo", load: async () => (await import("./commands/demo.ts")).registerDemo },
  { name: "migrate", load: async () => (await import("./commands/migrate.ts")).registerMigrate },
  { name: "apply", load: async () => (await import("./commands/apply.ts")).registerApply },
  { name: "publish", load: async () => (await import("./commands/publish.ts")).registerPublish },
  { name: "rate", load: async () => (await import("./commands/rate.ts")).registerRate },
  { name: "invoice", load: async () => (await import("./commands/invoice.ts")).registerInvoice },
  { name: "explain", load: async () => (await import("./commands/explain.ts")).registerExplain },
  { name: "verify", load: async () => (await import("./commands/verify.ts")).registerVerify },
  { name: "quote", load: async () => (await import("./commands/quote.ts")).registerQuote },
  { name: "sink", load: async () => (await import("./commands/sink.ts")).registerSink },
  { name: "biller", load: async () => (await import("./commands/biller.ts")).registerBiller },
  { name: "clickhouse", load: async () => (await import("./commands/clickhouse.ts")).registerClickHouse },
];
