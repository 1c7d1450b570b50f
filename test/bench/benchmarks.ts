/** Every benchmark, in the order in which a whole run takes them: those that share the stored identities first. */
import type { Benchmark } from "./benchmark.ts";
import { besideConsumption } from "./benchmarks/r1-beside-consumption.ts";
import { besideInsert } from "./benchmarks/r2-beside-insert.ts";
import { producerBesideBare } from "./benchmarks/r3-producer.ts";
import { oldDuplicates } from "./benchmarks/r5-old-duplicates.ts";

export const BENCHMARKS: readonly Benchmark[] = [besideConsumption, besideInsert, oldDuplicates, producerBesideBare];
