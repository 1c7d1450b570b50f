/**
 * What a query may take when its client says nothing else. Administrators may ask for more; finance may not, because what it takes the sink has not. The sink
 * has no limits: what it writes must be written.
 */
import type { EngineRole } from "./engine-config.ts";
import type { Named } from "./engine-session.ts";
import type { ParsedStatement } from "./parse-statement.ts";
import { serverError } from "./server-error.ts";
import { upper } from "./sql-text.ts";

export type QueryLimits = {
  /** Memory of one query, in bytes. */
  readonly memoryBytes: number;
  readonly seconds: number;
  /** Size of a result, in bytes before formatting. */
  readonly resultBytes: number;
};

/** Below the sink's threads where both want a core. */
const NICE = 15;
const NICE_MAX = 19;
/** The engine's own value: memory that is taken in smaller pieces is not counted. */
const UNTRACKED_BYTES_MAX = 4_194_304;

export type Constraint = { readonly name: string; readonly min: number; readonly max: number };

export function limitsOf(limits: QueryLimits): Readonly<Record<EngineRole, Named>> {
  const { memoryBytes, seconds, resultBytes } = limits;
  const admin: Named = [
    ["max_memory_usage", String(memoryBytes)],
    ["max_execution_time", String(seconds)],
    ["max_result_bytes", String(resultBytes)],
  ];
  return { sink: [], admin, finance: [...admin, ["os_threads_nice_value_query", String(NICE)]] };
}

/** Within these, finance may change its limits. */
export function financeConstraints({ memoryBytes, seconds, resultBytes }: QueryLimits): readonly Constraint[] {
  return [
    { name: "max_memory_usage", min: 1, max: memoryBytes },
    { name: "max_untracked_memory", min: 0, max: UNTRACKED_BYTES_MAX },
    { name: "max_execution_time", min: 1, max: seconds },
    { name: "max_result_bytes", min: 1, max: resultBytes },
    { name: "os_threads_nice_value_query", min: NICE, max: NICE_MAX },
  ];
}

const LIMITED =
  /^[`"]?(max_memory_usage|max_untracked_memory|max_execution_time|max_result_bytes|os_threads_nice_value_query|os_thread_priority)[`"]?$/;

/** The engine's own default is no limit, and no constraint is asked about it. */
export function refuseUnlimited({ tokens }: ParsedStatement, role: EngineRole): void {
  if (role !== "finance") return;
  const at = tokens.findIndex(
    (token, n) => LIMITED.test(token.text) && tokens[n + 1]?.text === "=" && upper(tokens[n + 2]) === "DEFAULT",
  );
  if (at < 0) return;
  throw serverError({
    code: 452,
    name: "SETTING_CONSTRAINT_VIOLATION",
    text: `Setting ${tokens[at]?.text ?? ""} should not be changed to the engine's default, which is no limit`,
  });
}
