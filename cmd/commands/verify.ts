/** `verify`: is everything counted, once, and does every number follow from what was stored? */
import type { Command } from "commander";
import { verify } from "../../src/app/verify/verify.ts";
import type { VerifyReport } from "../../src/app/verify/verify-types.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { withContext } from "../context.ts";
import { startProgress } from "../output/progress.ts";
import { tableText } from "../output/table.ts";
import { openServices, type Services } from "../services.ts";
import { systemClock } from "../system-clock.ts";

const DISCREPANCIES_SHOWN = 50;

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .description(
      "conservation and reconciliation checks over streams, tables, rating runs, invoices and the journal; exit 1 on any mismatch",
    )
    .option("--json", "print the report as JSON")
    .action(async (_options: unknown, command: Command) => {
      await withContext(command, async (context) => {
        const report = await runVerify(await openServices(context));
        context.output.result({ text: () => reportText(report), value: report });
        requireSound(report);
      });
    });
}

export async function runVerify(services: Services): Promise<VerifyReport> {
  const progress = startProgress({ label: "Verifying", total: 1, unit: "checks" });
  try {
    const report = await verify(
      services.verify(({ finished, total }) => {
        progress.update(finished, total);
      }),
    );
    await recordForMetrics(services, report);
    return report;
  } finally {
    progress.stop();
  }
}

/** The roles that are scraped are other processes: they read it where every role looks. The report itself does not depend on it. */
async function recordForMetrics({ verifications }: Services, report: VerifyReport): Promise<void> {
  const mismatches: Record<string, number> = {};
  for (const { check, discrepancies } of report.results) {
    mismatches[check] = (mismatches[check] ?? 0) + discrepancies.length;
  }
  const summary = { finishedAt: systemClock.nowMs(), cut: report.cut, mismatches };
  await verifications.write(summary).catch((error: unknown) => {
    process.stderr.write(
      `The result is not in the metrics: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  });
}

/** The report for people: each check with what it looked at, then every discrepancy by table and key. */
export function reportText(report: VerifyReport): string {
  const byCheck = Map.groupBy(report.results, (result) => result.check);
  const checks = tableText(
    [
      { title: "check", text: ([check]) => check },
      { title: "looked at", text: ([, results]) => scopeText(results.map((result) => result.scope)) },
      {
        title: "found",
        text: ([, results]) => foundText(results.flatMap((result) => result.discrepancies).length),
        align: "right",
      },
    ],
    [...byCheck],
  );
  const shown = report.discrepancies.slice(0, DISCREPANCIES_SHOWN);
  const discrepancies = tableText(
    [
      { title: "table", text: (item) => item.table },
      { title: "key", text: (item) => item.key },
      { title: "problem", text: (item) => item.problem },
    ],
    shown,
  );
  const verdict =
    report.discrepancies.length === 0
      ? `All sound, as of cut ${String(report.cut)}.`
      : `${String(report.discrepancies.length)} discrepancies (${String(shown.length)} shown):\n${discrepancies}`;
  return [checks, "", ...report.notes.map((note) => `Note: ${note}.`), verdict].join("\n");
}

export function requireSound(report: VerifyReport): void {
  if (report.discrepancies.length === 0) return;
  throw new AppError({
    code: "VERIFY_MISMATCH",
    kind: "mismatch",
    message: `Verification found ${String(report.discrepancies.length)} discrepancies; nothing was changed`,
  });
}

function scopeText(scopes: readonly string[]): string {
  return scopes.length === 1 ? (scopes[0] ?? "") : `${String(scopes.length)} parts: ${scopes[0] ?? ""} …`;
}

function foundText(count: number): string {
  return count === 0 ? "ok" : String(count);
}
