/** `quarantine list | show | replay`: rejected events, their bytes, and their way back in once the catalog was repaired. */
import type { Command } from "commander";
import { replayQuarantined, type ReplayResult } from "../../src/app/quarantine/replay-quarantined.ts";
import type { QuarantineFilter, QuarantinedEvent, QuarantineStore } from "../../src/app/quarantine/quarantine-types.ts";
import { quarantineStore } from "../../src/clickhouse/quarantine-store.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { compileMeteringCatalog } from "../../src/metering/metering-catalog.ts";
import { createPublisher } from "../../src/stream/publisher.ts";
import { withContext, type Context } from "../context.ts";
import { eventTimeRange } from "../event-time-range.ts";
import { confirm } from "../output/confirm.ts";
import { startProgress } from "../output/progress.ts";
import { readFilter, readLimit, type FilterOptions } from "../quarantine/quarantine-options.ts";
import { eventSummary, eventText, eventValue, listText } from "../quarantine/quarantine-text.ts";
import { openServices } from "../services.ts";

const LISTED = "100";
const WINDOW_MESSAGES = 64;
const ACK_TIMEOUT_MS = 10_000;

type ReplayOptions = FilterOptions & { readonly all?: boolean; readonly dryRun?: boolean; readonly yes?: boolean };

export function registerQuarantine(program: Command): void {
  const quarantine = program
    .command("quarantine")
    .description("rejected events: what waits and why, its bytes, and its way back in after the catalog was repaired");
  withFilter(quarantine.command("list").description("rejected events that nobody has replayed, and how many there are"))
    .option("--limit <n>", "show at most so many", LISTED)
    .option("--json", "print the events as JSON")
    .action(async (options: FilterOptions & { readonly limit: string }, command: Command) => {
      const filter = readFilter(options, []);
      const limit = readLimit(options.limit);
      await withContext(command, (context) => list(context, filter, limit));
    });
  quarantine
    .command("show")
    .description("all that is known of a rejected event, with its bytes as they came")
    .argument("<place>", "shard:seq:position, as `quarantine list` shows it")
    .option("--json", "print it as JSON")
    .action(async (place: string, _options: unknown, command: Command) => {
      const filter = readFilter({}, [place]);
      await withContext(command, (context) => show(context, filter, place));
    });
  withFilter(
    quarantine
      .command("replay")
      .description("brings in again what would be accepted now; each event counts once, however often this runs")
      .argument("[place...]", "only these, as `quarantine list` shows them"),
  )
    .option("--all", "everything that waits")
    .option("--dry-run", "say what would be replayed, and replay nothing")
    .option("--yes", "replay without asking")
    .option("--json", "print the result as JSON")
    .action(async (places: readonly string[], options: ReplayOptions, command: Command) => {
      const filter = readFilter(options, places);
      requireChoice(places, options);
      await withContext(command, (context) => replay(context, filter, options));
    });
}

function withFilter(command: Command): Command {
  return command
    .option("--reason <code>", "only events rejected for this reason")
    .option("--source <source>", "only events of this source or producer")
    .option("--since <instant>", "only events that arrived at this instant or later (RFC 3339)");
}

async function list(context: Context, filter: QuarantineFilter, limit: number): Promise<void> {
  const { clickhouse } = await openServices(context);
  const store = quarantineStore(clickhouse);
  const events = await allOf(store, filter, limit);
  const counts = await store.counts(filter);
  context.output.result({
    text: () => listText(events, counts),
    value: { events: events.map(eventSummary), counts },
  });
}

async function show(context: Context, filter: QuarantineFilter, place: string): Promise<void> {
  const { clickhouse } = await openServices(context);
  const events = await allOf(quarantineStore(clickhouse), { ...filter, replayedToo: true }, 0);
  if (events.length === 0) throw noSuchEvent(place);
  context.output.result({ text: () => events.map(eventText).join("\n\n"), value: events.map(eventValue) });
}

async function replay(context: Context, filter: QuarantineFilter, options: ReplayOptions): Promise<void> {
  if (options.dryRun === true) {
    report(context, await run(context, filter, false), false);
    return;
  }
  if (options.yes !== true) {
    const planned = await run(context, filter, false);
    context.output.say(resultText(planned, false));
    if (planned.replayed === 0 || !(await confirm({ question: "Replay them?", flag: "--yes" }))) return;
  }
  report(context, await run(context, filter, true), true);
}

async function run(context: Context, filter: QuarantineFilter, send: boolean): Promise<ReplayResult> {
  const { clickhouse, nats, reader } = await openServices(context);
  const progress = startProgress({ label: send ? "Replaying" : "Deciding again", total: 0, unit: "events" });
  const publisher = createPublisher(nats, { windowMessages: WINDOW_MESSAGES, ackTimeoutMs: ACK_TIMEOUT_MS });
  try {
    const result = await replayQuarantined(
      {
        store: quarantineStore(clickhouse),
        catalog: compileMeteringCatalog((await reader.head()).catalog),
        timeRange: eventTimeRange(context.settings),
        publish: async (message) => {
          if (send) await publisher.publish(message);
        },
        onProgress: (looked) => {
          progress.update(looked, looked);
        },
      },
      filter,
    );
    await publisher.flush();
    return result;
  } finally {
    progress.stop();
    await publisher.close();
  }
}

function report(context: Context, result: ReplayResult, sent: boolean): void {
  context.output.result({ text: () => resultText(result, sent), value: { ...result, sent } });
}

function resultText({ looked, replayed, stillRejected }: ReplayResult, sent: boolean): string {
  const rest = Object.entries(stillRejected).map(([reason, events]) => `\n  ${reason}: ${String(events)}`);
  const done = sent ? "replayed; the sink stores them now" : "would be accepted now, or known as duplicates";
  return `${String(replayed)} of ${String(looked)} rejected events ${done}.${rest.length === 0 ? "" : ` Still rejected:${rest.join("")}`}`;
}

async function allOf(store: QuarantineStore, filter: QuarantineFilter, limit: number): Promise<QuarantinedEvent[]> {
  const all: QuarantinedEvent[] = [];
  for await (const events of store.events(filter, limit)) all.push(...events);
  return all;
}

/** Nobody replays everything because a filter was forgotten. */
function requireChoice(places: readonly string[], { reason, source, since, all }: ReplayOptions): void {
  if (places.length > 0 || all === true || [reason, source, since].some((given) => given !== undefined)) return;
  throw new AppError({
    code: "QUARANTINE_USAGE",
    kind: "usage",
    message: "say which events: their places, --reason, --source or --since, or --all",
  });
}

function noSuchEvent(place: string): AppError {
  return new AppError({
    code: "QUARANTINE_NOT_FOUND",
    kind: "not_found",
    message: `No rejected event is stored at ${place}: \`quarantine list\` shows the places`,
  });
}
