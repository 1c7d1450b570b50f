/**
 * Pushes the same metrics to an OpenTelemetry collector, where the environment names one in OpenTelemetry's own words: `OTEL_EXPORTER_OTLP_ENDPOINT`
 * or `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` (HTTP, JSON), with `OTEL_METRIC_EXPORT_INTERVAL` in milliseconds.
 */
import { diag, DiagLogLevel, type DiagLogger } from "@opentelemetry/api";
import { PeriodicExportingMetricReader, type IMetricReader } from "@opentelemetry/sdk-metrics";
import type { Logger } from "./logger.ts";
import { temporalityOf } from "./temporality.ts";

const INTERVAL_MS = 60_000;
const INTERVAL_MIN_MS = 100;
const TIMEOUT_MAX_MS = 30_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Empty where no collector is named. A push that fails is logged, and the next one carries the same counters on. */
export async function otlpReaders(env: Environment, logger: Logger): Promise<readonly IMetricReader[]> {
  if (!isSet(env["OTEL_EXPORTER_OTLP_ENDPOINT"]) && !isSet(env["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"])) return [];
  diag.setLogger(diagnosticsOf(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-http");
  // The exporter reads address and headers from the environment itself.
  const exporter = new OTLPMetricExporter();
  exporter.selectAggregationTemporality = temporalityOf;
  const exportIntervalMillis = intervalMs(env["OTEL_METRIC_EXPORT_INTERVAL"]);
  const exportTimeoutMillis = Math.min(exportIntervalMillis, TIMEOUT_MAX_MS);
  return [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis })];
}

/** OpenTelemetry's own complaints as lines of the log. */
function diagnosticsOf(logger: Logger): DiagLogger {
  const warn = (message: string, ...more: unknown[]): void => {
    logger.warn({ details: more.map(String) }, `OpenTelemetry: ${message}`);
  };
  const silent = (): void => undefined;
  return { error: warn, warn, info: silent, debug: silent, verbose: silent };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}

function intervalMs(text: string | undefined): number {
  const given = Number(text ?? INTERVAL_MS);
  return Number.isSafeInteger(given) && given >= INTERVAL_MIN_MS ? given : INTERVAL_MS;
}
