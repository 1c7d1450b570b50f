/** Usage in memory, measured by the naive reference, and rated lines and drafts in maps: for tests of rating and invoicing decisions. */
import type { BillingStore, InvoiceStore, StoredLine } from "../../src/app/ports.ts";
import { measureOf, type Aggregation } from "../../src/domain/meter.ts";
import type { Invoice } from "../../src/domain/invoice.ts";
import { ratedLineHash } from "../../src/domain/rated-line-hash.ts";
import { decimalText } from "../../src/kernel/decimal.ts";
import { aggregate } from "../../src/metering/aggregate.ts";
import type { WrittenEvent } from "./usage-writer.ts";

export type MemoryBillingStore = BillingStore & {
  readonly events: WrittenEvent[];
  readonly lines: Map<string, StoredLine>;
};

export function memoryBillingStore(): MemoryBillingStore {
  const events: WrittenEvent[] = [];
  const lines = new Map<string, StoredLine>();
  const inPeriod = (query: { from: bigint; to: bigint; cut: number; customers: readonly string[] }) =>
    events.filter(
      (event) =>
        event.time >= query.from &&
        event.time < query.to &&
        event.cut <= query.cut &&
        (query.customers.length === 0 || query.customers.includes(event.customer)),
    );
  return {
    events,
    lines,
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    meteredUsage: async function* (query) {
      const matching = inPeriod(query).filter(
        (event) =>
          event.meter === query.meter &&
          Object.entries(query.where).every(([name, value]) => (event.dimensions[name] ?? "") === value),
      );
      for (const customer of [...new Set(matching.map((event) => event.customer))].sort()) {
        const own = matching
          .filter((event) => event.customer === customer)
          .map((event) => ({ ...event, source: "gw" }));
        const quantity = aggregate({
          ...measureOf({ ...query, aggregation: query.aggregation as Aggregation }),
          period: query,
          events: own,
        });
        yield {
          customer,
          quantity: decimalText(quantity),
          eventCount: String(own.length),
          shardRanges: [],
          eventsDigest: String(own.length),
        };
      }
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    usedMeters: async function* (query) {
      for (const { customer, meter, dimensions } of inPeriod(query)) yield { customer, meter, dimensions };
    },
    writeRatedLines: (written) => {
      for (const line of written)
        lines.set(`${line.runId} ${line.customer} ${line.lineId}`, { line, hash: ratedLineHash(line) });
      return Promise.resolve();
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    ratedLines: async function* ({ runId, customers }) {
      for (const key of [...lines.keys()].sort()) {
        const stored = lines.get(key);
        if (stored?.line.runId === runId && (customers.length === 0 || customers.includes(stored.line.customer)))
          yield stored;
      }
    },
  };
}

export function memoryInvoiceStore(): InvoiceStore & { readonly drafts: Map<string, Invoice> } {
  const drafts = new Map<string, Invoice>();
  return {
    drafts,
    writeDrafts: (invoices) => {
      for (const invoice of invoices) drafts.set(invoice.invoiceId, invoice);
      return Promise.resolve();
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    invoices: async function* () {
      yield* [];
    },
    invoice: () => Promise.resolve(null),
  };
}
