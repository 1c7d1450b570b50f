/** `publish <file>`: events of an NDJSON file, or rows of a CSV file by a column map, into JetStream. */
import { setTimeout as delay } from "node:timers/promises";
import { basename, resolve } from "node:path";
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { publishEvents, type FileProblem, type PublishProgress } from "../../src/app/publish/publish-events.ts";
import { counted } from "../../src/kernel/counted.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { openProducer } from "../../src/producer/open-producer.ts";
import type { Producer } from "../../src/producer/producer-types.ts";
import type { Nats } from "../../src/stream/connect.ts";
import { openBucket, readShards } from "../../src/stream/register.ts";
import { usageStreamState } from "../../src/stream/usage-stream.ts";
import { allocateYoung } from "../allocate-young.ts";
import { withContext, type Context } from "../context.ts";
import { startProgress } from "../output/progress.ts";
import { openPublishState, type PublishState } from "../publish/publish-state.ts";
import { readPublishOptions, type PublishOptions, type PublishWanted } from "../publish/publish-options.ts";
import { openUsageFile } from "../publish/usage-file.ts";

/** 64 messages of a hundred events keep a server busy that syncs each of them; more only costs memory. */
const WINDOW_MESSAGES = 64;
const ACK_TIMEOUT_MS = 10_000;
/** Any salt makes ids that depend on the content: an event that was corrected and published again at once is not taken for its first form. */
const FILE_SALT = "file";
const PROBLEMS_SHOWN = 20;
/** The server counts headers as well, and a message of several events has brackets and commas. */
const MESSAGE_OVERHEAD_BYTES = 4_096;
const NOTICE_EVERY_MS = 5_000;

export type PublishResult = {
  readonly file: string;
  /** Events that this run sent; those sent by an earlier run that it continued count as well. */
  readonly events: number;
  readonly messages: number;
  /** Messages that the server had already. */
  readonly repeatedMessages: number;
  readonly problems: number;
  readonly alreadyPublished: boolean;
};

export function registerPublish(program: Command): void {
  program
    .command("publish")
    .description("publishes the events of an NDJSON file, or the rows of a CSV file by a column map; safe to run twice")
    .argument("<file>", "NDJSON: one CloudEvent per line; CSV: with a header line and --map")
    .option("--map <file>", "YAML column map: which column or constant becomes which part of the event")
    .option("--type <type>", "ndjson or csv; by default from the file's ending")
    .option("--rate <n>", "at most so many events per second")
    .option("--again", "send everything once more although this file was published; what is known counts as duplicate")
    .option("--json", "print the result as JSON")
    .action(async (file: string, options: PublishOptions, command: Command) => {
      const wanted = readPublishOptions(file, options);
      allocateYoung();
      await withContext(command, async (context) => {
        const result = await publishFile(context, wanted);
        context.output.result({ text: () => resultText(result), value: result });
        requireNoProblems(result);
      });
    });
}

async function publishFile(context: Context, wanted: PublishWanted): Promise<PublishResult> {
  const nats = await context.nats();
  const state = await openPublishState({
    home: resolve(context.settings.home),
    path: wanted.path,
    facts: [wanted.type, wanted.mapText],
    incarnations: await streamIncarnations(nats),
  });
  const { progress } = state;
  const file = basename(wanted.path);
  if (progress?.done === true && !wanted.again) {
    const { events, problems } = progress;
    return { file, events, messages: 0, repeatedMessages: 0, problems, alreadyPublished: true };
  }
  if (progress !== null && !wanted.again) {
    context.output.say(`Going on after line ${String(progress.line)}: ${stored(progress.events)} stored.`);
  }
  return await send({ context, wanted, nats, state });
}

type SendInput = {
  readonly context: Context;
  readonly wanted: PublishWanted;
  readonly nats: Nats;
  readonly state: PublishState;
};

async function send({ context, wanted, nats, state }: SendInput): Promise<PublishResult> {
  const bar = startProgress({ label: `Publishing ${basename(wanted.path)}`, total: state.lines, unit: "lines" });
  const producer = await openProducer(nats, {
    windowMessages: WINDOW_MESSAGES,
    ackTimeoutMs: ACK_TIMEOUT_MS,
    // What is packed together follows from the file alone, so that a resumed run sends the same messages.
    lingerMs: Infinity,
    salt: wanted.again ? randomUUID() : FILE_SALT,
    onFate: (fate) => {
      if (fate.outcome === "failed") failure ??= fate.error;
    },
    onTrouble: noticeEvery((reason) => {
      context.output.say(`The server takes nothing for the moment (${reason}); waiting. Nothing is lost.`);
    }),
  });
  let failure: AppError | undefined;
  const flush = async (): Promise<void> => {
    await producer.flush();
    if (failure !== undefined) throw failure;
  };
  try {
    const done = await publishEvents(publishDeps({ context, wanted, producer, flush, state, bar }), {
      resumeFrom: wanted.again ? null : state.progress,
      eventBytesMax: (nats.connection.info?.max_payload ?? Number.MAX_SAFE_INTEGER) - MESSAGE_OVERHEAD_BYTES,
    });
    const { events, problems } = done;
    const { messages, repeatedMessages } = producer.counts();
    return { file: basename(wanted.path), events, problems, messages, repeatedMessages, alreadyPublished: false };
  } finally {
    bar.stop();
    await producer.close();
  }
}

type PublishDepsInput = {
  readonly context: Context;
  readonly wanted: PublishWanted;
  readonly producer: Producer;
  readonly flush: () => Promise<void>;
  readonly state: PublishState;
  readonly bar: ReturnType<typeof startProgress>;
};

function publishDeps({
  context,
  wanted,
  producer,
  flush,
  state,
  bar,
}: PublishDepsInput): Parameters<typeof publishEvents>[0] {
  let shown = 0;
  const onProblem = ({ line, message }: FileProblem): void => {
    shown += 1;
    if (shown <= PROBLEMS_SHOWN) context.output.say(`${wanted.path}:${String(line)}: ${message}`);
  };
  return {
    items: openUsageFile(wanted),
    send: (event) => producer.sendText(event),
    flush,
    save: (progress: PublishProgress) => state.save(progress),
    onProblem,
    onProgress: ({ line }) => {
      bar.update(line, Math.max(state.lines, line));
    },
    ...(wanted.perSecond !== null && { pace: pacer(wanted.perSecond) }),
  };
}

/** Creation times of the usage streams: a stream made anew has nothing of what was published to the old one. */
async function streamIncarnations(nats: Nats): Promise<readonly string[]> {
  const shards = await readShards(await openBucket(nats));
  const states = await Promise.all(Array.from({ length: shards }, (_, shard) => usageStreamState(nats, shard)));
  return states.map((state) => state.incarnation);
}

function pacer(perSecond: number): (events: number) => Promise<void> {
  const startedMs = performance.now();
  return async (events) => {
    const aheadMs = (events / perSecond) * 1000 - (performance.now() - startedMs);
    if (aheadMs > 1) await delay(aheadMs);
  };
}

function noticeEvery(notice: (reason: string) => void): (reason: string) => void {
  let noticedMs = Number.NEGATIVE_INFINITY;
  return (reason) => {
    if (performance.now() - noticedMs < NOTICE_EVERY_MS) return;
    noticedMs = performance.now();
    notice(reason);
  };
}

function resultText(result: PublishResult): string {
  const { file, events, messages, repeatedMessages } = result;
  if (result.alreadyPublished)
    return `${file} was published already: ${stored(events)} in the stream, nothing was sent. To send them once more (say, after the catalog was corrected): --again`;
  const repeated = repeatedMessages > 0 ? `, ${String(repeatedMessages)} of them known to the server already` : "";
  return `${file}: ${stored(events)} in the stream (${counted(messages, "message")} sent now${repeated}).`;
}

function stored(events: number): string {
  return `${counted(events, "event")} ${events === 1 ? "is" : "are"}`;
}

function requireNoProblems({ file, problems }: PublishResult): void {
  if (problems === 0) return;
  throw new AppError({
    code: "FILE_LINES_UNUSABLE",
    kind: "invalid",
    message: `${file}: ${counted(problems, "line")} left out for being no event; correct what was named above and publish the file again (what is stored counts once)`,
  });
}
