/** How long something unavailable is left alone before it is asked for again: twice as long after each attempt, up to a limit. */
export type RetryTimes = { readonly retryFirstMs: number; readonly retryMaxMs: number };

const DOUBLINGS_MAX = 16;

/** `attempt` counts from 0. */
export function retryWaitMs({ retryFirstMs, retryMaxMs }: RetryTimes, attempt: number): number {
  return Math.min(retryFirstMs * 2 ** Math.min(attempt, DOUBLINGS_MAX), retryMaxMs);
}
