/** Memory, processor time, event loop and garbage collector of this process. */
import { monitorEventLoopDelay, performance, PerformanceObserver, constants } from "node:perf_hooks";
import type { Metrics, Report } from "./metrics.ts";

const NS_PER_SECOND = 1e9;
const US_PER_SECOND = 1e6;
const MS_PER_SECOND = 1e3;
const LOOP_RESOLUTION_MS = 10;
/** Longer than most scrape intervals are short, so that each scrape sees a whole window, whoever else scrapes. */
const LOOP_WINDOW_MS = 10_000;

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);

/** Measures until the returned function is called. */
export function watchProcess(metrics: Metrics): () => void {
  const loop = watchEventLoop();
  const collector = watchCollector(metrics);
  const unobserve = metrics.observe(["startTime", "cpu", "residentMemory", "heapUsed", "eventLoopDelay"], (report) => {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    report("startTime", performance.timeOrigin / MS_PER_SECOND, {});
    report("cpu", (user + system) / US_PER_SECOND, {});
    report("residentMemory", rss, {});
    report("heapUsed", heapUsed, {});
    loop.report(report);
  });
  return () => {
    unobserve();
    collector.disconnect();
    loop.stop();
  };
}

type LoopDelays = Readonly<Record<"p50" | "p99" | "max", number>>;

function watchEventLoop(): { readonly report: (report: Report) => void; readonly stop: () => void } {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  histogram.enable();
  let last: LoopDelays | undefined;
  const read = (): LoopDelays => ({
    p50: delaySeconds(histogram.percentile(50)),
    p99: delaySeconds(histogram.percentile(99)),
    max: delaySeconds(histogram.max),
  });
  const timer = setInterval(() => {
    last = read();
    histogram.reset();
  }, LOOP_WINDOW_MS);
  timer.unref();
  return {
    report: (report) => {
      // Nothing was sampled before the first tick of the histogram.
      const delays = last ?? (histogram.count > 0 ? read() : undefined);
      if (delays === undefined) return;
      for (const [statistic, seconds] of Object.entries(delays)) report("eventLoopDelay", seconds, { statistic });
    },
    stop: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}

/** The histogram measures the whole interval between two ticks; what was asked for is no delay. */
function delaySeconds(nanoseconds: number): number {
  return Math.max(nanoseconds / NS_PER_SECOND - LOOP_RESOLUTION_MS / MS_PER_SECOND, 0);
}

function watchCollector(metrics: Metrics): PerformanceObserver {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { readonly detail: { readonly kind: number } }).detail;
      metrics.record("gcDuration", entry.duration / MS_PER_SECOND, { kind: GC_KINDS.get(kind) ?? "other" });
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return observer;
}
