/** Every benchmark, in the order in which a whole run takes them: those that share the stored identities first. */
import type { Benchmark } from "./benchmark.ts";
import { firstVersion } from "./benchmarks/p1-first-version.ts";
import { usageQuery } from "./benchmarks/p2-usage-query.ts";
import { besideConsumption } from "./benchmarks/r1-beside-consumption.ts";
import { durable } from "./benchmarks/r10-durable.ts";
import { memory } from "./benchmarks/r11-memory.ts";
import { besideInsert } from "./benchmarks/r2-beside-insert.ts";
import { producerBesideBare } from "./benchmarks/r3-producer.ts";
import { latency } from "./benchmarks/r4-latency.ts";
import { oldDuplicates } from "./benchmarks/r5-old-duplicates.ts";
import { drain } from "./benchmarks/r6-drain.ts";
import { rating } from "./benchmarks/r7-rating.ts";
import { storage } from "./benchmarks/r8-storage.ts";
import { views } from "./benchmarks/r9-views.ts";
import { storedEvents } from "./benchmarks/s1-events.ts";
import { customers } from "./benchmarks/s2-customers.ts";
import { meters } from "./benchmarks/s3-meters.ts";
import { shards } from "./benchmarks/s4-shards.ts";
import { ratedLines } from "./benchmarks/s5-rated-lines.ts";

export const BENCHMARKS: readonly Benchmark[] = [
  besideConsumption,
  besideInsert,
  oldDuplicates,
  latency,
  drain,
  producerBesideBare,
  rating,
  storage,
  views,
  durable,
  memory,
  firstVersion,
  usageQuery,
  storedEvents,
  customers,
  meters,
  shards,
  ratedLines,
];

/** How costs grow; `docs/scale.md` has them, and takes them all by one name. */
export const SCALE_IDS: readonly string[] = BENCHMARKS.map(({ id }) => id).filter((id) => id.startsWith("S"));
