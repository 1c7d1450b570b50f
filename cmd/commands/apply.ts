/** `apply <directory>`: catalog files into the journal, as a diff that is shown before it takes effect. */
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { applyCatalog, requireSoundPlan } from "../../src/app/catalog/apply-catalog.ts";
import { planApply, type ApplyPlan, type CatalogChange } from "../../src/app/catalog/plan-apply.ts";
import { readCatalogFiles } from "../../src/files/read-catalog-files.ts";
import { withContext, type Context } from "../context.ts";
import { confirm } from "../output/confirm.ts";
import { openServices, type Services } from "../services.ts";
import { systemClock } from "../system-clock.ts";

type ApplyOptions = { readonly yes?: boolean; readonly prune?: boolean; readonly dryRun?: boolean };

export function registerApply(program: Command): void {
  program
    .command("apply")
    .description("catalog files (YAML or JSON) into the journal: shows the diff, asks, and versions what changed")
    .argument("<directory>", "holds the files, in any folders below it")
    .option("--yes", "don't ask")
    .option("--prune", "take out what the files do not have")
    .option("--dry-run", "show the diff and end")
    .option("--json", "print the changes as JSON")
    .action(async (directory: string, options: ApplyOptions, command: Command) => {
      await withContext(command, async (context) => {
        await applyDirectory({ context, services: await openServices(context), directory, options });
      });
    });
}

export type ApplyDirectoryInput = {
  readonly context: Context;
  readonly services: Services;
  readonly directory: string;
  readonly options: ApplyOptions;
};

export async function applyDirectory({ context, services, directory, options }: ApplyDirectoryInput): Promise<void> {
  const { catalog: files, unread } = readCatalogFiles(directory);
  const wanted = { files, unread, now: systemClock.now(), prune: options.prune === true };
  if (options.dryRun === true) {
    const plan = planApply({ ...wanted, state: await services.reader.head() });
    requireSoundPlan(plan);
    context.output.result({
      text: planText(plan),
      value: { applied: false, changes: plan.changes, ...warningsOf(plan) },
    });
    return;
  }
  const applied = await applyCatalog(
    { journal: services.journal, reader: services.reader, project: services.project, newChangeId: randomUUID },
    {
      ...wanted,
      confirm: async (plan) => {
        if (!context.output.json) context.output.say(planText(plan));
        return options.yes === true || (await confirm({ question: "Apply these changes?", flag: "--yes" }));
      },
    },
  );
  const { changes } = applied.plan;
  const text =
    changes.length === 0
      ? "The catalog is up to date."
      : applied.applied
        ? `Applied, at journal entry ${applied.journalSeq}.`
        : "Nothing was applied.";
  context.output.result({
    text,
    value: { applied: applied.applied, journalSeq: applied.journalSeq, changes, ...warningsOf(applied.plan) },
  });
}

function planText(plan: ApplyPlan): string {
  if (plan.changes.length === 0) return "The catalog is up to date.";
  const changes = plan.changes.flatMap((change) => [
    changeText(change),
    ...change.fields.map((field) => `      ${field}`),
  ]);
  return [...changes, ...plan.warnings.map((warning) => `  ! ${warning}`)].join("\n");
}

/** Absent without any. */
function warningsOf({ warnings }: ApplyPlan): Partial<Pick<ApplyPlan, "warnings">> {
  return warnings.length === 0 ? {} : { warnings };
}

const SIGNS = { add: "+", change: "~", remove: "-" } as const;

function changeText({ action, kind, key, version, effectiveFrom, retroactive }: CatalogChange): string {
  const effect = action === "remove" ? "ends at" : "in effect from";
  const from = effectiveFrom === undefined ? "" : `, ${effect} ${effectiveFrom}`;
  const past = retroactive === true ? " (in the past: usage since then that is not invoiced yet is priced anew)" : "";
  return `  ${SIGNS[action]} ${kind.replace("_", " ")} ${key}, version ${version}${from}${past}`;
}
