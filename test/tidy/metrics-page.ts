/** `docs/metrics.md` as the catalogue and the alerts themselves say it: the page is generated, so that it cannot fall behind. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { METRIC_STAGES } from "../../src/telemetry/catalogue/metric-catalogue.ts";
import type { MetricDefinition } from "../../src/telemetry/catalogue/metric-definition.ts";

export type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly annotations: { readonly summary: string; readonly action: string };
};
export type MetricsPageInput = { readonly stages: typeof METRIC_STAGES; readonly alerts: readonly Alert[] };

const HEAD = `# Metrics and health

\`up\`, \`sink\` and \`biller\` listen on \`METERLINE_HTTP_PORT\` (8080; 0 for nothing) of \`METERLINE_HTTP_HOST\` (loopback). A busy port is an error that says so: of
several roles on one machine, each gets a port of its own.

\`\`\`sh
curl -s http://127.0.0.1:8080/metrics         # for Prometheus
curl -s http://127.0.0.1:8080/health/live     # 200 as long as the process answers
curl -s http://127.0.0.1:8080/health/ready    # 200 when NATS and ClickHouse answer, the schema is this release's, and each shard has a writer or a standby here; else 503 and why
\`\`\`

There is no password: whoever reaches the port can read it. Nothing in it names an event, a customer or an amount, and nothing can be changed through it.

- **Prometheus:** scrape \`/metrics\`; take [dashboards/alerts.yml](../dashboards/alerts.yml) as a rule file and import [dashboards/meterline.json](../dashboards/meterline.json) into Grafana.
- **OpenTelemetry:** with \`OTEL_EXPORTER_OTLP_ENDPOINT\` set (HTTP, JSON), the same metrics are pushed there as well, every \`OTEL_METRIC_EXPORT_INTERVAL\` milliseconds (60000).
  The instruments have the names below, counters without \`_total\`.

## What counts when

- A counter of a process begins at 0 with the process (\`process_start_time_seconds\`), and shows every value of its labels from then on. \`rate\` and \`increase\` know that.
- The sink's counters of verdicts move **once per batch**, when the row of the batch is committed: an insert that is sent again, a plan that a killed process left and its successor
  finishes, a take-over — none of them counts twice. A process that is killed between commit and scrape takes its last counts with it.
- What must never be off by one is therefore read from where it stands: \`meterline_stored_events_total\` from \`sink_batches\`, runs and invoices from the journal. These survive every
  restart and are the same from every process: take \`max\`, not \`sum\`.
- A gauge is measured when the scrape asks. Where its source does not answer within a second it is absent, never a stale value; \`meterline_probe_failures_total\` counts that.
- Ages compare the time at which the stream took a message with the clock of the process that is scraped.
`;

const FOOT = `
This page is written by \`node test/tidy/update-metrics-page.ts\` from \`src/telemetry/catalogue\` and \`dashboards/alerts.yml\`.
`;

export function readAlerts(): readonly Alert[] {
  const path = join(import.meta.dirname, "../../dashboards/alerts.yml");
  const { groups } = parse(readFileSync(path, "utf8")) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

export function metricsPage({ stages, alerts }: MetricsPageInput): string {
  const chapters = stages.map(({ title, metrics }) => `\n## ${title}\n\n${catalogueTable(Object.values(metrics))}`);
  return `${HEAD}${chapters.join("")}\n## Alerts\n\n${alertTable(alerts)}${FOOT}`;
}

function catalogueTable(metrics: readonly MetricDefinition[]): string {
  const rows = metrics.map(({ name, kind, attributes, doc }) => {
    const labels = Object.entries(attributes).map(([label, meaning]) => `\`${label}\`: ${meaning}`);
    return row([`\`${name}\``, kind, labels.join("; "), doc]);
  });
  return `| metric | kind | labels | meaning |\n|---|---|---|---|\n${rows.join("")}`;
}

function alertTable(alerts: readonly Alert[]): string {
  const rows = alerts.map(({ alert, expr, for: pending, annotations }) => {
    const condition = `\`${expr}\`${pending === undefined ? "" : ` for ${pending}`}`;
    const summary = annotations.summary.replace(/\{\{ \$labels\.(\w+) \}\}/g, "*$1*");
    return row([alert, condition, `${summary} ${annotations.action}`]);
  });
  return `| alert | condition | what it means, what to do |\n|---|---|---|\n${rows.join("")}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
}
