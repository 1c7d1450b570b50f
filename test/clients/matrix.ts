/** Cells as tables of Markdown: `yes`, `no` with its reason below, `not run` for what is not installed, a dash for what a client does not have. */
import type { Cell, CellResult } from "./cells.ts";

/** A line that is no cell of the table: which version of the client ran. */
const VERSION_CELL = "version";

export type MatrixInput = {
  readonly heading: string;
  readonly cells: readonly Cell[];
  readonly clients: readonly string[];
  readonly results: readonly CellResult[];
};

export function matrixOf({ heading, cells, clients, results }: MatrixInput): string {
  const rows = cells.map(({ id, title }) => [
    title,
    ...clients.map((client) => word(answerOf({ client, id, results }))),
  ]);
  const table = [[heading, ...clients], clients.reduce((rule) => [...rule, "---"], ["---"]), ...rows];
  return table.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** The version of each client that ran, in the order in which they ran. */
export function versionsOf(results: readonly CellResult[]): string {
  const said = results.filter(({ cell }) => cell === VERSION_CELL);
  return said.map(({ client, detail }) => `${client} ${detail}`).join(", ");
}

/** The failures, as a list. */
export function failuresOf(results: readonly CellResult[]): string {
  const failed = results.filter((result) => result.ok === false);
  const lines = failed.map(({ client, cell, detail }) => `- ${client}, ${cell ?? ""}: ${oneLine(detail)}`);
  return lines.length === 0 ? "No cell failed." : lines.join("\n");
}

export type LimitsInput = { readonly cells: readonly Cell[]; readonly results: readonly CellResult[] };

/** What clients cannot do themselves, as a list. */
export function limitsOf({ cells, results }: LimitsInput): string {
  const lines = results.flatMap(({ client, cell, limit }) => {
    const title = cells.find(({ id }) => id === cell)?.title ?? cell;
    return limit === undefined ? [] : [`- ${client}, ${title ?? ""}: ${oneLine(limit)}`];
  });
  return lines.length === 0 ? "None." : lines.join("\n");
}

type AnswerInput = { readonly client: string; readonly id: string; readonly results: readonly CellResult[] };

function answerOf({ client, id, results }: AnswerInput): CellResult | "not run" | "no answer" | "none" {
  const own = results.filter((result) => result.client === client);
  if (own.length === 0 || own.some((result) => result.cell === null)) return "not run";
  return (
    own.find((result) => result.cell === id) ?? (own.some((result) => result.cell === "program") ? "no answer" : "none")
  );
}

function word(answer: ReturnType<typeof answerOf>): string {
  if (answer === "not run" || answer === "no answer") return answer;
  if (answer === "none" || answer.ok === null) return "–";
  if (!answer.ok) return "**no**";
  return answer.limit === undefined ? "yes" : "in part";
}

function oneLine(text: string): string {
  return text.replace(/[|<>\s]+/g, " ").trim();
}
