/**
 * A gauge that was not measured this time is absent. As a cumulative value the SDK would show the last one for ever: a lag of zero from before
 * the outage, for instance. Everything else goes on from the start of the process.
 */
import { AggregationTemporality, InstrumentType } from "@opentelemetry/sdk-metrics";

export function temporalityOf(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}
