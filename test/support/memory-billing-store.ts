/** Usage in memory, measured by the naive reference, and rated lines and drafts in maps: for tests of rating and invoicing decisions. */
import type { BillingStore, InvoiceStore, StoredLine, UsageQuery } from "../../src/app/ports.ts";
import { countsEarlier, measureOf, type Aggregation } from "../../src/domain/meter.ts";
import type { Invoice } from "../../src/domain/invoice.ts";
import type { UsageLimits } from "../../src/domain/usage-limits.ts";
import { present } from "../../src/kernel/assert.ts";
import { canonicalJson } from "../../src/kernel/canonical-json.ts";
import { decimal, decimalText, sumDecimals } from "../../src/kernel/decimal.ts";
import { aggregate } from "../../src/metering/aggregate.ts";
import type { WrittenEvent } from "./usage-writer.ts";

/** 1970-01-05 was a Monday. */
const MONDAY_MINUTE = 4 * 24 * 60;
const WEEK_MINUTES = 7 * 24 * 60;

export type MemoryBillingStore = BillingStore & {
  readonly events: WrittenEvent[];
  readonly lines: Map<string, StoredLine>;
};

export function memoryBillingStore(): MemoryBillingStore {
  const events: WrittenEvent[] = [];
  const lines = new Map<string, StoredLine>();
  type Scope = { from: bigint; to: bigint; cut: number; customers: readonly string[] };
  const before = (query: Omit<Scope, "from">) =>
    events.filter(
      (event) =>
        event.time < query.to &&
        event.cut <= query.cut &&
        (query.customers.length === 0 || query.customers.includes(event.customer)),
    );
  const inPeriod = (query: Scope) => before(query).filter((event) => event.time >= query.from);
  const matching = (query: UsageQuery) =>
    (countsEarlier(query) ? before(query) : inPeriod(query)).filter(
      (event) =>
        event.meter === query.meter &&
        Object.entries(query.where).every(([name, value]) => (event.dimensions[name] ?? "") === value) &&
        within(query.limits, event),
    );
  return {
    events,
    lines,
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    meteredUsage: async function* (query) {
      const used = matching(query);
      for (const customer of [...new Set(used.map((event) => event.customer))].sort()) {
        const own = used.filter((event) => event.customer === customer).map((event) => ({ ...event, source: "gw" }));
        const quantity = aggregate({
          ...measureOf({ ...query, aggregation: query.aggregation as Aggregation }),
          timeZone: query.timeZone,
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
    meteredCells: async function* (query) {
      const cellOf = (event: WrittenEvent) => query.by.map((name) => event.dimensions[name] ?? "");
      const cells = Map.groupBy(matching(query), (event) => canonicalJson([event.customer, cellOf(event)]));
      for (const [, events] of [...cells].sort(([a], [b]) => byText(a, b))) {
        const [first] = events;
        if (first === undefined) continue;
        const quantity = sumDecimals(events.map((event) => decimal(contribution(event, query.aggregation))));
        const match = Object.fromEntries(query.by.map((name, index) => [name, cellOf(first)[index] ?? ""]));
        yield [{ customer: first.customer, match, quantity: decimalText(quantity) }];
      }
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    meteredEvents: async function* (query) {
      const inOrder = matching(query).toSorted(
        (a, b) => byText(a.customer, b.customer) || byTime(a, b) || byText(a.id, b.id),
      );
      for (const event of inOrder) {
        const quantity = contribution(event, query.aggregation);
        yield [{ customer: event.customer, quantity, earlier: event.time < query.earlierThan }];
      }
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    usedMeters: async function* (query) {
      const used = inPeriod(query).filter((event) => query.hours.every((hours) => within(hours, event)));
      const carried = query.recurring.flatMap(({ key, aggregation }) => {
        const earlier = before({ ...query, to: query.from }).filter((event) => event.meter === key);
        const groups = Map.groupBy(earlier, ({ customer, dimensions }) =>
          canonicalJson([customer, dimensions]),
        ).values();
        const isLeft = (group: readonly WrittenEvent[]) =>
          aggregation === "unique_count" || !sumDecimals(group.map(({ value }) => decimal(value))).isZero();
        return [...groups].filter(isLeft).map(([first]) => present(first, "the first of a group"));
      });
      for (const { customer, meter, dimensions } of [...used, ...carried]) yield { customer, meter, dimensions };
    },
    ratedLineBatch: () => {
      const added: StoredLine[] = [];
      return {
        get lines() {
          return added.length;
        },
        add: ({ line, hash }) => void added.push({ line, hash }),
        write: () => {
          for (const stored of added) {
            const { runId, customer, lineId } = stored.line;
            lines.set(`${runId} ${customer} ${lineId}`, stored);
          }
          return Promise.resolve();
        },
      };
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    ratedLineHashes: async function* (runId) {
      for (const { line, hash } of lines.values()) if (line.runId === runId) yield { lineId: line.lineId, hash };
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

function within(limits: UsageLimits | undefined, event: WrittenEvent): boolean {
  const seconds = Number(event.time / 1_000_000_000n);
  const [, offset = 0] = limits?.clock?.findLast(([since]) => since <= seconds) ?? [];
  const minute = (Math.floor((seconds + offset) / 60) - MONDAY_MINUTE) % WEEK_MINUTES;
  return (
    (limits?.week?.some(([from, to]) => from <= minute && minute < to) ?? true) &&
    (limits?.conditions ?? []).every(
      ([name, kind, values]) => values.includes(event.dimensions[name] ?? "") === (kind === "in"),
    )
  );
}

function contribution(event: WrittenEvent, aggregation: string): string {
  return aggregation === "count" ? "1" : event.value;
}

function byText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function byTime(a: WrittenEvent, b: WrittenEvent): number {
  return a.time === b.time ? 0 : a.time < b.time ? -1 : 1;
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
