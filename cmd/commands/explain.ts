/** `explain <invoice line>`: what stands behind a line, and whether its digests hold. */
import type { Command } from "commander";
import { bucketText } from "../../src/domain/meter.ts";
import { limitsOfText, limitsTexts } from "../../src/domain/usage-limits.ts";
import { explainLine, type Explanation, type LineFacts } from "../../src/app/explain/explain-line.ts";
import { createExplainStore } from "../../src/clickhouse/explain-store.ts";
import { merkleRoot } from "../../src/invoicing/merkle.ts";
import { counted } from "../../src/kernel/counted.ts";
import { AppError } from "../../src/kernel/errors.ts";
import { withContext } from "../context.ts";
import { tableText } from "../output/table.ts";

const EVENTS_SHOWN = 5;
const WINDOWS_SHOWN = 10;

export function registerExplain(program: Command): void {
  program
    .command("explain")
    .description("price, contract version, windows and events behind an invoice line, and the proof of its digests")
    .argument("<line>", "line id, as in finance.invoice_lines.line_id")
    .option("--events <n>", "events to list", String(EVENTS_SHOWN))
    .option("--json", "print the explanation as JSON")
    .action(async (lineId: string, options: { readonly events: string }, command: Command) => {
      await withContext(command, async (context) => {
        const deps = { store: createExplainStore(context.clickhouse()), merkleRoot };
        const explanation = await explainLine(deps, { lineId, eventsMax: eventsMax(options.events) });
        context.output.result({ text: () => explanationText(explanation), value: explanation });
        requireProofs(explanation);
      });
    });
}

/** The explanation for people. */
export function explanationText(explanation: Explanation): string {
  const { line } = explanation;
  return [
    `${line.lineId}  ${line.description}  ${line.amount} ${line.currency}${line.number === "" ? " (draft)" : `  on invoice ${line.number}`}`,
    "",
    ...factLines(line),
    "",
    "How the amount came about",
    ...line.breakdown.map((step) => `  ${step["text"] ?? JSON.stringify(step)}`),
    ...termLines(line).map((text) => `  ${text}`),
    ...usageLines(explanation),
    "",
    "Proofs",
    ...explanation.proofs.map((proof) => `  ${proof.holds ? "holds " : "BROKEN"}  ${proof.name}: ${proof.says}`),
  ].join("\n");
}

/** What the contract makes of the line beside others: commitments, discounts and taxes. */
function termLines(line: LineFacts): string[] {
  const { currency } = line;
  const taxes = line.taxes.map((tax) =>
    tax.kind === "rate"
      ? `${tax.name}, ${tax.rate} % ${tax.included ? "contained, of" : "on"} ${tax.base} ${currency}: ${tax.amount} ${currency} on this line`
      : `No tax (${tax.kind.replace("_", " ")}): ${tax.reason}`,
  );
  const compares = line.compares.length === 0 ? [] : [`Lines compared: ${line.compares.join(", ")}`];
  return [...line.explanation, ...compares, ...line.adjustments.flatMap((adjustment) => adjustment.texts), ...taxes];
}

function factLines(line: LineFacts): string[] {
  const filter = Object.entries(line.filter).map(([name, value]) => `${name}=${value}`);
  filter.push(...limitsTexts(limitsOfText(line.limits).limits ?? {}));
  const facts: readonly (readonly [string, string])[] = [
    ["customer", line.customer],
    ["period", `${line.periodFrom} to ${line.periodTo} (not part of it)`],
    ["contract", `${line.contract} version ${String(line.contractVersion)}, hash ${line.contractHash}`],
    [
      line.ratedLineId === "" ? "commitment" : "price",
      line.ratedLineId === ""
        ? line.price
        : `${line.price} of rate card ${line.rateCard} version ${String(line.rateCardVersion)}`,
    ],
    [
      "meter",
      line.meter === ""
        ? "none (flat)"
        : `${line.meter} (${bucketText(line)}${line.countsEarlier ? ", with all events before the period" : ""})${filter.length > 0 ? ` where ${filter.join(", ")}` : ""}`,
    ],
    ["quantity", `${line.quantity} from ${counted(line.eventCount, "event")}`],
    ["exact amount", `${line.amountExact} ${line.currency}`],
    [
      "rated",
      `run ${line.runId}, as of cut ${String(line.cut)}, catalog at journal entry ${String(line.catalogSeq)}, rules revision ${String(line.ratingRev)}`,
    ],
    ["stream ranges", line.shardRanges.join("; ")],
  ];
  return facts.filter(([, text]) => text !== "").map(([name, text]) => `  ${name.padEnd(14)}${text}`);
}

/** Quarter hours have quantities of their own only where these add up to the line's. */
const WINDOW_QUANTITY = {
  title: "quantity",
  text: (window: Explanation["windows"][number]) => window.quantity,
  align: "right",
} as const;
const AMENDED_BY = { title: "amended by", text: (event: Explanation["events"][number]) => event.amendedBy };

function usageLines({ line, windows, events, retractions }: Explanation): string[] {
  if (line.meter === "") return [];
  const shown = windows.slice(0, WINDOWS_SHOWN);
  const windowTable = tableText(
    [
      { title: "window (15 min)", text: (window) => window.windowStart || "before the period" },
      { title: "events", text: (window) => window.eventCount, align: "right" },
      ...(shown.some((window) => window.quantity !== "") ? [WINDOW_QUANTITY] : []),
      { title: "digest", text: (window) => `${window.eventsDigest.slice(0, 16)}…` },
    ],
    shown,
  );
  const eventTable = tableText(
    [
      { title: "event time", text: (event) => event.eventTime },
      { title: "source", text: (event) => event.source },
      { title: "id", text: (event) => event.id },
      { title: "value", text: (event) => event.value, align: "right" },
      { title: "stream position", text: (event) => `${String(event.shard)}/${event.seq}/${String(event.position)}` },
      ...(events.some((event) => event.amendedBy !== "") ? [AMENDED_BY] : []),
    ],
    events,
  );
  const eventsOf = `SELECT * FROM finance.line_events WHERE line_id = '${line.lineId}'`;
  return [
    "",
    `Windows (${String(shown.length)} of ${String(windows.length)})`,
    windowTable,
    "",
    `Events (${String(events.length)} of ${line.eventCount}; all: ${eventsOf})`,
    eventTable,
    ...retractionLines(retractions, line),
  ];
}

/** What was taken back before the line was rated; most lines have none. */
function retractionLines(retractions: Explanation["retractions"], line: LineFacts): string[] {
  if (retractions.length === 0) return [];
  const table = tableText(
    [
      { title: "event time", text: (event) => event.eventTime },
      { title: "source", text: (event) => event.source },
      { title: "id", text: (event) => event.id },
      { title: "value", text: (event) => event.value, align: "right" },
      { title: "taken back by", text: (event) => `${event.kind} ${event.retractedBy}` },
      { title: "stream position", text: (event) => `${String(event.shard)}/${event.retractionSeq}` },
    ],
    retractions,
  );
  const all = `SELECT * FROM finance.line_retractions WHERE line_id = '${line.lineId}'`;
  return ["", `Taken back and not counted (the first ${String(retractions.length)}; all: ${all})`, table];
}

/** A proof that does not hold is the answer "not so". */
function requireProofs(explanation: Explanation): void {
  const broken = explanation.proofs.filter((proof) => !proof.holds);
  if (broken.length === 0) return;
  throw new AppError({
    code: "EXPLAIN_PROOF_BROKEN",
    kind: "mismatch",
    message: `The line ${explanation.line.lineId} is not what its events give (${broken.map((proof) => proof.name).join(", ")}): run \`meterline verify\``,
  });
}

function eventsMax(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new AppError({
    code: "OPTION_INVALID",
    kind: "usage",
    message: `--events is "${text}": write a whole number up to 999999`,
  });
}
