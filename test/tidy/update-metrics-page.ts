/** Writes docs/metrics.md anew. Run it after a change of src/telemetry/catalogue or dashboards/alerts.yml. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { METRIC_STAGES } from "../../src/telemetry/catalogue/metric-catalogue.ts";
import { metricsPage, readAlerts } from "./metrics-page.ts";

const page = metricsPage({ stages: METRIC_STAGES, alerts: readAlerts() });
writeFileSync(join(import.meta.dirname, "../../docs/metrics.md"), page);
