/**
 * Alive and ready, as orchestrators ask. Alive means that the process answers at all: nothing that restarting does not mend belongs there. Ready
 * means that all of its checks pass now.
 */
import type { HttpAnswer } from "./http-server.ts";

/** Resolves to a sentence about what was found; rejects with what is wrong. */
export type HealthCheck = { readonly name: string; readonly check: () => Promise<string> };
type CheckOutcome = { readonly ok: boolean; readonly message: string };

const CHECK_TIMEOUT_MS = 1_000;

export function live(): Promise<HttpAnswer> {
  return Promise.resolve(json(200, { status: "live" }));
}

/** 200 or 503, with each check's outcome. All checks run at once, none longer than a second. */
export async function ready(checks: readonly HealthCheck[]): Promise<HttpAnswer> {
  const outcomes = await Promise.all(checks.map(async ({ name, check }) => [name, await outcomeOf(check)] as const));
  const isReady = outcomes.every(([, outcome]) => outcome.ok);
  return json(isReady ? 200 : 503, {
    status: isReady ? "ready" : "not ready",
    checks: Object.fromEntries(outcomes),
  });
}

async function outcomeOf(check: HealthCheck["check"]): Promise<CheckOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckOutcome>((done) => {
    timer = setTimeout(done, CHECK_TIMEOUT_MS, { ok: false, message: `no answer within ${CHECK_TIMEOUT_MS} ms` });
  });
  const found = check().then(
    (message) => ({ ok: true, message }),
    (error: unknown) => ({ ok: false, message: error instanceof Error ? error.message : String(error) }),
  );
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, contentType: "application/json", body: `${JSON.stringify(value)}\n` };
}
