/** The process itself, under the names that dashboards for Prometheus and Node know already. */
import { SECONDS_BUCKETS, type MetricDefinition } from "./metric-definition.ts";

export const PROCESS_METRICS = {
  startTime: {
    name: "process_start_time_seconds",
    kind: "gauge",
    unit: "s",
    attributes: {},
    doc: "When the process started, in seconds since 1970: counters of the process began at 0 then.",
  },
  cpu: {
    name: "process_cpu_seconds_total",
    kind: "counter",
    unit: "s",
    attributes: {},
    doc: "Processor time of this process, user and system; the embedded servers are processes of their own.",
    observed: true,
  },
  residentMemory: {
    name: "process_resident_memory_bytes",
    kind: "gauge",
    unit: "By",
    attributes: {},
    doc: "Resident memory of this process.",
  },
  heapUsed: {
    name: "nodejs_heap_size_used_bytes",
    kind: "gauge",
    unit: "By",
    attributes: {},
    doc: "JavaScript heap in use.",
  },
  eventLoopDelay: {
    name: "nodejs_eventloop_delay_seconds",
    kind: "gauge",
    unit: "s",
    attributes: { statistic: "p50, p99 or max" },
    doc: "How late timers fired, over the last ten seconds: the time in which the process could not answer.",
  },
  gcDuration: {
    name: "nodejs_gc_duration_seconds",
    kind: "histogram",
    unit: "s",
    attributes: { kind: "minor, major, incremental or weakcb" },
    doc: "Pauses of the garbage collector.",
    buckets: SECONDS_BUCKETS,
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
