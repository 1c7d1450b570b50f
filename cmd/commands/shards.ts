/** `shards`: where each shard stands, and the two decisions after a restore, which no program may take by itself. */
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { adoptShard } from "../../src/app/sink/adopt-shard.ts";
import { agreePosition } from "../../src/app/sink/agree-position.ts";
import { identityIndex } from "../../src/app/sink/identity-index.ts";
import { inspectPosition } from "../../src/app/sink/inspect-position.ts";
import { meteringCatalogs } from "../../src/app/sink/metering-catalogs.ts";
import { refillShard } from "../../src/app/sink/refill-shard.ts";
import { batchRowsMemory } from "../../src/clickhouse/batch-rows.ts";
import { refillStore } from "../../src/clickhouse/refill-store.ts";
import { DECODER_REV } from "../../src/domain/sink-plan.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { beginIncarnation, openUsageStream } from "../../src/stream/usage-stream.ts";
import type { UsageStream } from "../../src/app/ports.ts";
import { withContext, type Context } from "../context.ts";
import { eventTimeRange } from "../event-time-range.ts";
import { confirm } from "../output/confirm.ts";
import { tableText } from "../output/table.ts";
import { openServices, type Services } from "../services.ts";
import { stopSignal } from "../stop-signal.ts";
import { systemClock } from "../system-clock.ts";

type DecisionOptions = { readonly shard: string; readonly yes?: boolean };
type ShardCall = { readonly context: Context; readonly services: Services; readonly shard: number };

/** The batch being decided and the one read ahead. */
const PREFETCHED_BATCHES = 2;

export function registerShards(program: Command): void {
  const shards = program.command("shards").description("where each shard stands, and what to do after a restore");
  shards
    .command("list", { isDefault: true })
    .description("each shard's stream, plan and stored batches, and whether they tell one story; exit 1 when not")
    .option("--json", "print as JSON")
    .action(async (_options: unknown, command: Command) => withContext(command, list));
  shards
    .command("refill")
    .description(
      "after ClickHouse was restored or lost: stores the missing messages again from the stream, as they were planned",
    )
    .requiredOption("--shard <n>", "the shard that the sink named")
    .option("--json", "print as JSON")
    .action(async (options: DecisionOptions, command: Command) => decide(command, options, refill));
  shards
    .command("adopt")
    .description("after NATS was restored or made anew: goes on with the stream as it is now, as a new incarnation")
    .requiredOption("--shard <n>", "the shard that the sink named")
    .option("--yes", "do it without asking")
    .option("--json", "print as JSON")
    .action(async (options: DecisionOptions, command: Command) => decide(command, options, adopt));
}

async function decide(
  command: Command,
  options: DecisionOptions,
  run: (call: ShardCall, options: DecisionOptions) => Promise<void>,
): Promise<void> {
  await withContext(command, async (context) => {
    const services = await openServices(context);
    const shard = Number(options.shard);
    if (!Number.isInteger(shard) || shard < 0 || shard >= services.shards)
      throw new AppError({
        code: "SHARD_UNKNOWN",
        kind: "usage",
        message: unknownShard(options.shard, services.shards),
      });
    await run({ context, services, shard }, options);
  });
}

function unknownShard(given: string, shards: number): string {
  const range = shards === 1 ? "there is only shard 0" : `give one from 0 to ${shards - 1}`;
  return `--shard is "${given}", which is no shard: ${range}`;
}

async function list(context: Context): Promise<void> {
  const services = await openServices(context);
  const shards: Standing[] = [];
  for (let shard = 0; shard < services.shards; shard += 1)
    shards.push(await withStream({ context, services, shard }, (stream) => standing(services, { shard, stream })));
  context.output.result({ text: () => tableText(COLUMNS, shards), value: { shards } });
  const wrong = shards.find(({ problem }) => problem !== "");
  if (wrong !== undefined) throw new AppError({ code: "SHARD_STOPPED", kind: "mismatch", message: wrong.problem });
}

type Standing = {
  readonly shard: number;
  readonly incarnation: string;
  readonly messages: number;
  readonly planned: number;
  readonly stored: number;
  readonly problem: string;
};

const COLUMNS = [
  { title: "shard", text: ({ shard }: Standing) => String(shard) },
  { title: "incarnation", text: ({ incarnation }: Standing) => incarnation },
  { title: "stream ends at", text: ({ messages }: Standing) => String(messages), align: "right" },
  { title: "planned to", text: ({ planned }: Standing) => String(planned), align: "right" },
  { title: "stored to", text: ({ stored }: Standing) => String(stored), align: "right" },
  { title: "state", text: ({ problem }: Standing) => (problem === "" ? "ok" : "stopped") },
] as const;

async function standing(
  { sinkStore: store, keys }: Services,
  { shard, stream }: { readonly shard: number; readonly stream: UsageStream },
): Promise<Standing> {
  const { plan = null, adopted } = (await keys.read(shard))?.value ?? {};
  const position = await inspectPosition({ shard, stream, store }, plan);
  const agreement = agreePosition({ shard, decoderRev: DECODER_REV, plan, adopted, position });
  const { incarnation, lastSeq: messages } = position.stream;
  const stored = (await store.lastBatch({ shard, incarnation }))?.plan.last ?? 0;
  const problem = agreement.type === "halt" ? agreement.error.message : "";
  return { shard, incarnation, messages, planned: plan?.last ?? 0, stored, problem };
}

async function refill(call: ShardCall): Promise<void> {
  const { context, services, shard } = call;
  const { settings, output } = context;
  const { batchEventsMax, batchBytesMax, batchWaitMs } = settings;
  const refilled = await withStream(call, (stream) =>
    refillShard(
      {
        ...claimDeps(services),
        shard,
        stream,
        marks: services.marks,
        identities: identityIndex(services.sinkStore, shard),
        catalogs: meteringCatalogs(services.reader, () => undefined),
        openRows: batchRowsMemory(),
        timeRange: eventTimeRange(settings),
        limits: { batchEventsMax, batchBytesMax, batchWaitMs },
        onBatch: ({ plan }) => {
          output.say(`messages ${plan.first} to ${plan.last} are stored again`);
        },
      },
      stopSignal(),
    ),
  );
  await services.project();
  const text =
    refilled === null
      ? "Nothing is missing."
      : `Messages ${refilled.first} to ${refilled.last} of shard ${shard} are stored again. Start the sink; lines of earlier runs come back with \`meterline rate --repeat RUN\`.`;
  output.result({ text: () => text, value: { refilled } });
}

async function adopt(call: ShardCall, { yes = false }: DecisionOptions): Promise<void> {
  const { context, services, shard } = call;
  const sure =
    yes ||
    (await confirm({
      question: `Shard ${shard} will read its whole stream as a new incarnation; what ClickHouse has counted stays counted. Go on?`,
      flag: "--yes",
    }));
  if (!sure) return;
  const adopted = await withStream(call, (stream) =>
    adoptShard({
      ...claimDeps(services),
      shard,
      stream,
      cuts: services.cuts,
      greatestCut: () => greatestCut(services),
      beginIncarnation: (input) => beginIncarnation(services.nats, input),
    }),
  );
  const text =
    adopted === null
      ? "Nothing to adopt: the shard can go on as it is."
      : `Shard ${shard} is incarnation ${adopted.incarnation} now, with ${adopted.messages} messages to read. Start the sink.`;
  context.output.result({ text: () => text, value: { adopted } });
}

function claimDeps({ keys, sinkStore, clickhouse }: Services) {
  return { keys, store: sinkStore, clock: systemClock, holder: `shards#${randomUUID()}`, ...refillStore(clickhouse) };
}

/** Of batches, and of runs, whose cuts must stay closed. */
async function greatestCut({ clickhouse, reader }: Services): Promise<number> {
  const { runs } = await reader.head();
  return Math.max(await refillStore(clickhouse).greatestCut(), ...[...runs.values()].map(({ cut }) => cut));
}

async function withStream<T>(
  { context, services, shard }: ShardCall,
  use: (stream: UsageStream) => Promise<T>,
): Promise<T> {
  const { nats, shards } = services;
  const prefetchBytesMax = context.settings.batchBytesMax * PREFETCHED_BATCHES;
  const stream = await openUsageStream(nats, { shard, shards, prefetchBytesMax });
  try {
    return await use(stream);
  } finally {
    await stream.close();
  }
}
