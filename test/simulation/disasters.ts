/**
 * Once in the middle a server is restored from an older state, or loses something. The sinks then go on exactly, or stop and name what is
 * wrong; the operator of the model does what they ask for, and after that everything must be as if nothing had happened.
 */
import type { Disaster } from "./scenario.ts";
import type { SinkHost } from "./sinks.ts";
import type { World } from "./world.ts";

/** What a sink may say after each, and the operator's answer. */
const NAMES: Readonly<Record<Disaster, readonly string[]>> = {
  "clickhouse-restored": ["CLICKHOUSE_BEHIND", "STREAM_TRIMMED"],
  "nats-restored": [
    "CLICKHOUSE_AHEAD",
    "STREAM_SHORTER",
    "STREAM_DIFFERS",
    "BATCH_CONTRADICTS_PLAN",
    "STREAM_WENT_BACK",
    "BATCH_UNFINISHED",
  ],
  "keys-lost": ["CLICKHOUSE_AHEAD", "BATCH_UNFINISHED"],
  "stream-recreated": ["STREAM_RECREATED", "STREAM_WENT_BACK"],
};
/** People need a while. */
const REMEDY_MS = 400;
const RETRY_MS = 30;

export function planDisaster(world: World, hosts: readonly SinkHost[], untilMs: number): void {
  const { disaster } = world.scenario;
  if (disaster === null) return;
  const random = world.random.fork();
  const durationMs = untilMs - world.time.nowMs();
  const strikeMs = random.between(Math.floor(durationMs / 4), durationMs);
  if (disaster === "stream-recreated") {
    world.time.after(strikeMs, () => {
      recreate(world, hosts);
    });
    return;
  }
  let backup: Backup | null = null;
  world.time.after(random.below(strikeMs), () => {
    world.trace(() => `backup for "${disaster}"`);
    backup = takeBackup(world, disaster);
  });
  world.time.after(strikeMs, () => {
    if (backup !== null) strike(world, hosts, backup);
  });
}

type Backup = { readonly disaster: Disaster; readonly restore: () => void };

function takeBackup(world: World, disaster: Disaster): Backup {
  if (disaster === "clickhouse-restored") {
    const tables = world.clickhouse.copyTables();
    return {
      disaster,
      restore: () => {
        world.clickhouse.tables = tables;
      },
    };
  }
  if (disaster === "keys-lost") {
    return {
      disaster,
      restore: () => {
        world.loseKeys();
      },
    };
  }
  const nats = world.backUpNats();
  return {
    disaster,
    restore: () => {
      world.restoreNats(nats);
    },
  };
}

/** All writers are dead while the data is exchanged; the operator keeps what there was, and puts it back when a sink says that it is needed. */
function strike(world: World, hosts: readonly SinkHost[], { disaster, restore }: Backup): void {
  restartEverything(world, hosts);
  const tables = world.clickhouse.copyTables();
  const nats = world.keepNats();
  world.trace(() => `DISASTER: ${disaster}`);
  restore();
  // What is stored again is what was there when the cut was closed.
  world.closedCut = 0;
  let asked = false;
  world.expectsFailure = (code) => {
    if (!NAMES[disaster].includes(code)) return false;
    if (asked) return true;
    asked = true;
    world.time.after(REMEDY_MS, () => {
      world.trace(() => `the operator puts back what there was before "${disaster}"`);
      restartEverything(world, hosts);
      if (disaster === "clickhouse-restored") world.clickhouse.tables = tables;
      else world.restoreNats(nats);
    });
    return true;
  };
}

/** A stream may only be made anew once nothing of it is in doubt: no plan is open, and no writer is there who could make one. */
function recreate(world: World, hosts: readonly SinkHost[]): void {
  if (world.hasOpenPlan()) {
    world.time.after(RETRY_MS, () => {
      recreate(world, hosts);
    });
    return;
  }
  restartEverything(world, hosts);
  world.trace(() => "DISASTER: the streams are made anew");
  world.recreateStreams();
  let asked = false;
  world.expectsFailure = (code) => {
    if (!NAMES["stream-recreated"].includes(code)) return false;
    if (asked) return true;
    asked = true;
    world.time.after(REMEDY_MS, () => {
      world.trace(() => "the operator adopts the new streams");
      restartEverything(world, hosts);
      world.adoptStreams();
    });
    return true;
  };
}

function restartEverything(world: World, hosts: readonly SinkHost[]): void {
  for (const host of hosts) host.kill();
  for (const process of world.ratings) process.kill();
  for (const server of [world.natsServer, world.clickhouse.server]) {
    server.kill();
    server.start();
  }
}
