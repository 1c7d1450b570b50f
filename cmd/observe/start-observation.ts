/** Metrics and health of one process: the instruments, and the port on which they can be looked at from the first moment on, before the servers answer. */
import type { Settings } from "../../src/config/settings.ts";
import { live, ready, type HealthCheck } from "../../src/http/health.ts";
import { startHttpServer, type HttpServer } from "../../src/http/http-server.ts";
import type { Logger } from "../../src/telemetry/logger.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { otlpReaders } from "../../src/telemetry/otlp-reader.ts";
import { watchProcess } from "../../src/telemetry/process-probe.ts";
import type { Services } from "../services.ts";
import { observeServices, observeSink } from "./observe-services.ts";
import { serverChecks, shardCheck, WAITING_FOR_SERVERS } from "./readiness.ts";
import { watchSink, type SinkWatch } from "./watch-sink.ts";

export type Observation = {
  readonly metrics: Metrics;
  /** Where it is to be seen; undefined where METERLINE_HTTP_PORT is 0. */
  readonly url: string | undefined;
  /** A role has its services: from now on they are measured. Once is enough where several roles share a process. */
  readonly servicesOpened: (services: Services) => void;
  /** As above, for the role that writes these shards. */
  readonly sinkStarts: (services: Services, ownShards: readonly number[]) => SinkWatch;
  readonly close: () => Promise<void>;
};

export type StartObservationInput = {
  readonly settings: Pick<Settings, "httpHost" | "httpPort">;
  readonly role: string;
  readonly logger: Logger;
};

const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

/** Throws `settings` where the port is taken. */
export async function startObservation({ settings, role, logger }: StartObservationInput): Promise<Observation> {
  const metrics = createMetrics({ role, readers: await otlpReaders(process.env, logger) });
  const stopProcess = watchProcess(metrics);
  let checks: readonly HealthCheck[] = [WAITING_FOR_SERVERS];
  let opened = false;
  const routes = {
    "/metrics": async () => ({ status: 200, contentType: PROMETHEUS_TEXT, body: await metrics.prometheusText() }),
    "/health/live": live,
    "/health/ready": () => ready(checks),
  };
  const onError = (error: unknown, path: string): void => {
    logger.warn({ path, error: error instanceof Error ? error.message : String(error) }, "not answered");
  };
  const { httpHost: host, httpPort: port } = settings;
  const server: HttpServer | undefined =
    port === 0 ? undefined : await startHttpServer({ host, port, routes, onError });
  const servicesOpened = (services: Services): void => {
    if (opened) return;
    opened = true;
    checks = [...serverChecks(services), ...checks.filter((check) => check !== WAITING_FOR_SERVERS)];
    observeServices(metrics, services);
  };
  return {
    metrics,
    url: server?.url,
    servicesOpened,
    sinkStarts: (services, ownShards) => {
      const sink = watchSink(metrics, ownShards);
      checks = [...checks, shardCheck(sink, ownShards)];
      servicesOpened(services);
      observeSink(metrics, services, sink);
      return sink;
    },
    close: async () => {
      await server?.stop();
      stopProcess();
      await metrics.close().catch((error: unknown) => {
        onError(error, "the last push of metrics");
      });
    },
  };
}
