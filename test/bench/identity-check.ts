/**
 * What "seen before?" costs at a size: disk and memory, the time to load the filter, and the time per batch, for batches of which none, half and
 * all were stored long ago. `node test/bench/identity-check.ts --identities 10000000,100000000`; JSON with --json.
 */
import { parseArgs } from "node:util";
import { tableText } from "../../cmd/output/table.ts";
import { identityIndex } from "../../src/app/sink/identity-index.ts";
import { sinkStore } from "../../src/clickhouse/sink-store.ts";
import { eventKeyOf, eventKeyPrefix } from "../../src/metering/event-identity.ts";
import { createIdentityFilter } from "../../src/metering/identity-filter.ts";
import { startBenchWorld, type BenchWorld } from "./bench-world.ts";
import { BENCH_SOURCE } from "./bench-events.ts";
import { proveFormulas, storedEvent, storeIdentities } from "./stored-identities.ts";

const { values } = parseArgs({
  options: {
    identities: { type: "string", default: "1000000,10000000" },
    batch: { type: "string", default: "50000" },
    batches: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const sizes = values.identities.split(",").map(Number);
const batchEvents = Number(values.batch);
const batches = Number(values.batches);

const SHARES = [0, 0.5, 1] as const;
const MIB = 1024 ** 2;
/** Behind everything that is stored. */
const BEHIND = { incarnation: "18446744073709551615", beforeSeq: 1 };

type Measured = Readonly<Record<string, number>>;

async function measure(world: BenchWorld, identities: number): Promise<Measured> {
  const { clickhouse } = world;
  const index = identityIndex(sinkStore(clickhouse), 0);
  const startedMs = performance.now();
  await index.load();
  const loadSeconds = (performance.now() - startedMs) / 1_000;
  const prefix = eventKeyPrefix(BENCH_SOURCE);
  const times: Record<string, number> = {};
  let next = 0;
  for (const share of SHARES) {
    const milliseconds: number[] = [];
    for (let batch = 0; batch < batches; batch += 1) {
      const eventKeys = Array.from({ length: batchEvents }, (_, number) => {
        const isOld = number % 2 < share * 2;
        next += 1;
        return eventKeyOf(prefix, isOld ? storedEvent((next * 7_919) % identities).id : `new-${share}-${next}`);
      });
      const askedMs = performance.now();
      const known = await index.known({ eventKeys, ...BEHIND });
      milliseconds.push(performance.now() - askedMs);
      if (known.size !== batchEvents * share)
        throw new Error(`${known.size} of ${batchEvents} are known, and ${share} of them are`);
    }
    milliseconds.sort((a, b) => a - b);
    times[`ms per batch, ${share * 100} % stored, p50`] = Math.round(milliseconds[Math.floor(batches / 2)] ?? 0);
    times[`ms per batch, ${share * 100} % stored, max`] = Math.round(milliseconds.at(-1) ?? 0);
  }
  const { bytes } = createIdentityFilter(identities * 2);
  return {
    "identities, million": identities / 1e6,
    "seconds to load the filter": Number(loadSeconds.toFixed(1)),
    "filter, MiB": Math.round(bytes / MIB),
    "resident, MiB": Math.round(process.memoryUsage.rss() / MIB),
    ...times,
  };
}

const world = await startBenchWorld();
try {
  await proveFormulas(world);
  const results: Measured[] = [];
  let stored = 0;
  for (const identities of sizes) {
    const { bytes, parts, seconds } = await storeIdentities(world.clickhouse, {
      from: stored,
      to: identities,
      say: (text) => process.stderr.write(`${text}\n`),
    });
    stored = identities;
    results.push({
      ...(await measure(world, identities)),
      "bytes of event_keys per identity": Number((bytes / identities).toFixed(1)),
      "parts of event_keys": parts,
      "seconds to fill event_keys": Math.round(seconds),
    });
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else {
    const names = Object.keys(results[0] ?? {});
    const columns = [
      { title: `batches of ${batchEvents} events`, text: (name: string) => name },
      ...results.map((result) => ({
        title: `${result["identities, million"] ?? 0} M`,
        text: (name: string) => String(result[name] ?? ""),
        align: "right" as const,
      })),
    ];
    process.stdout.write(`${tableText(columns, names)}\n`);
  }
} finally {
  await world.stop();
}
