/** The steps of the demo, each told in plain words, with its result shown through the same ports and views that everybody has. */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { applyCatalog } from "../../src/app/catalog/apply-catalog.ts";
import { explainLine } from "../../src/app/explain/explain-line.ts";
import { draftInvoices } from "../../src/app/invoicing/draft-invoices.ts";
import { finalizeInvoices } from "../../src/app/invoicing/finalize-invoices.ts";
import { createExplainStore } from "../../src/clickhouse/explain-store.ts";
import type { Settings } from "../../src/config/settings.ts";
import { readCatalogFiles } from "../../src/files/read-catalog-files.ts";
import { merkleRoot } from "../../src/invoicing/merkle.ts";
import { counted } from "../../src/kernel/counted.ts";
import { AppError } from "../../src/kernel/errors.ts";
import type { Period } from "../../src/kernel/period.ts";
import { explanationText } from "../commands/explain.ts";
import { finalizedText, invoicingSettings } from "../commands/invoice.ts";
import { reportText, requireSound, runVerify } from "../commands/verify.ts";
import { shownPath } from "../output/shown-path.ts";
import type { Services } from "../services.ts";
import { systemClock } from "../system-clock.ts";
import * as tables from "./demo-tables.ts";
import { generateLateUsage, generateUsage, type DemoUsage } from "./generate-events.ts";
import { lastCompleteMonth } from "./last-complete-month.ts";
import { publishUsage, untilCounted } from "./publish-usage.ts";

const CATALOG = resolve(import.meta.dirname, "../../docs/examples/catalog");
const LATE_EVENTS = 200;
/** Messages that are sent once more exactly as they were: the server drops them by their ids. */
const RESENT_MESSAGES = 50;
const EVENTS_SHOWN = 5;

export type Stage = { readonly services: Services; readonly settings: Settings; readonly tell: Tell };
/** A heading, or what is shown below it. */
export type Tell = { readonly step: (text: string) => void; readonly show: (text: string) => void };

export async function goTheWholeWay(stage: Stage, events: number) {
  const { services, settings, tell } = stage;
  const entities = await applyExamples(stage);
  const contracts = [...(await services.reader.head()).catalog.contracts.values()].flatMap((versions) =>
    versions.slice(-1),
  );
  const { month, period } = lastCompleteMonth({
    contracts: contracts.map((version) => version.definition),
    now: systemClock.now(),
    graceHours: settings.graceHours,
  });
  const usage = generateUsage({ events, period });
  const verdicts = await publishAndCount(stage, { usage, month });

  tell.step(`Rating ${month} and drafting its invoices`);
  const { run } = await draftInvoices(services.invoicing, { period: month, customers: [] });
  const usageRows = await tables.monthlyUsage(services, { month, cut: run.cut });
  tell.show(
    `Run ${run.runId}: ${counted(run.lines, "line")}, as of cut ${String(run.cut)}. Usage of the month, per customer in its own time zone:\n`,
  );
  tell.show(tables.usageTable(usageRows));

  tell.step(
    "Finalizing the invoices: their totals are verified first, then they get their numbers and never change again",
  );
  const finalized = await finalizeInvoices(services.invoicing, {
    period: month,
    customers: [],
    settings: invoicingSettings(settings),
  });
  tell.show(finalizedText(finalized, month));

  const late = await publishLate(stage, { month, period, before: usage.expected });
  const explained = await explainOne(stage);

  tell.step("Verifying everything against the bytes that the streams hold");
  const report = await runVerify(services);
  tell.show(reportText(report));
  requireSound(report);
  return {
    month,
    entities,
    verdicts,
    run,
    usage: usageRows,
    invoices: finalized.finalized,
    late,
    explained,
    verified: true,
  };
}

async function applyExamples({ services, tell }: Stage): Promise<number> {
  tell.step(`Applying the example catalog ${shownPath(CATALOG)}`);
  const { catalog: files } = readCatalogFiles(CATALOG);
  const { journal, reader, project } = services;
  const { plan } = await applyCatalog(
    { journal, reader, project, newChangeId: randomUUID },
    { files, now: systemClock.now(), prune: false, confirm: () => Promise.resolve(true) },
  );
  const byKind = Map.groupBy(plan.changes, (change) => change.kind.replace("_", " "));
  tell.show(
    [...byKind].map(([kind, changes]) => `${kind}: ${changes.map((change) => change.key).join(", ")}`).join("\n"),
  );
  return plan.changes.length;
}

async function publishAndCount(stage: Stage, input: { readonly usage: DemoUsage; readonly month: string }) {
  const { services, tell } = stage;
  const { messages, expected } = input.usage;
  const total = expected.accepted + expected.duplicate + expected.conflict + expected.rejected;
  tell.step(
    `Publishing ${String(total)} events of ${input.month} in any customer's time zone: ${String(expected.duplicate)} repeated, ${String(expected.conflict)} in conflict, ${String(expected.rejected)} broken in different ways`,
  );
  await publishUsage(services, messages);
  const resent = await publishUsage(services, messages.slice(0, RESENT_MESSAGES));
  tell.show(
    `${String(resent.droppedAsRepeated)} messages were sent once more as they were; NATS dropped them by their ids.`,
  );
  await untilCounted(services);
  const verdicts = await tables.verdictCounts(services);
  tell.show(tables.verdictTable(verdicts));
  requireExpected(verdicts, expected);
  return verdicts;
}

type LateInput = { readonly month: string; readonly period: Period; readonly before: DemoUsage["expected"] };

async function publishLate({ services, tell }: Stage, { month, period, before }: LateInput) {
  tell.step(
    `Publishing ${String(LATE_EVENTS)} more events of ${month} in any customer's time zone: late usage is kept and shown, the invoices stay as they are`,
  );
  const { messages, expected } = generateLateUsage({ events: LATE_EVENTS, period });
  await publishUsage(services, messages);
  await untilCounted(services);
  requireExpected(await tables.verdictCounts(services), {
    ...before,
    accepted: before.accepted + expected.accepted,
  });
  const late = await tables.lateUsage(services);
  tell.show(`${tables.lateTable(late)}\n\n${tables.notLateText(late, expected.accepted)}`);
  return late;
}

async function explainOne({ services, tell }: Stage): Promise<string> {
  const lineId = await tables.lineToExplain(services);
  tell.step(`Explaining one line down to its events (bin/meterline explain ${lineId})`);
  const deps = { store: createExplainStore(services.clickhouse), merkleRoot };
  const explanation = await explainLine(deps, { lineId, eventsMax: EVENTS_SHOWN });
  tell.show(explanationText(explanation));
  const broken = explanation.proofs.filter((proof) => !proof.holds).map((proof) => proof.name);
  if (broken.length === 0) return lineId;
  throw new AppError({
    code: "DEMO_PROOF_BROKEN",
    kind: "mismatch",
    message: `Proofs of ${lineId} do not hold: ${broken.join(", ")}`,
  });
}

/** The generator knows what it made; anything else is a fault of Meterline. */
function requireExpected(verdicts: readonly tables.VerdictCount[], expected: DemoUsage["expected"]): void {
  const wrong = Object.entries(expected).flatMap(([verdict, events]) => {
    const found = verdicts.filter((row) => row.verdict === verdict).reduce((sum, row) => sum + row.events, 0);
    return found === events ? [] : [`${verdict}: ${String(found)} instead of ${String(events)}`];
  });
  if (wrong.length === 0) return;
  throw new AppError({
    code: "DEMO_MISMATCH",
    kind: "mismatch",
    message: `Not every event was decided as it should be: ${wrong.join("; ")}`,
  });
}
