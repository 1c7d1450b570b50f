/** What a query may take when its client says nothing else. The sink has no limits: what it writes must be written. */
import type { EngineRole } from "./engine-config.ts";
import type { Named } from "./engine-session.ts";

export type QueryLimits = {
  /** Memory of one query, in bytes. */
  readonly memoryBytes: number;
  readonly seconds: number;
  /** Size of a result, in bytes before formatting. */
  readonly resultBytes: number;
};

/** Below the sink's threads where both want a core. */
const NICE = "15";

export function limitsOf({ memoryBytes, seconds, resultBytes }: QueryLimits): Readonly<Record<EngineRole, Named>> {
  const limits: Named = [
    ["max_memory_usage", String(memoryBytes)],
    ["max_execution_time", String(seconds)],
    ["max_result_bytes", String(resultBytes)],
  ];
  return { sink: [], admin: limits, finance: [...limits, ["os_threads_nice_value_query", NICE]] };
}
