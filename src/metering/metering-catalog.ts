/**
 * The catalog as the hot path needs it: meters by event type and customers by subject, as of one journal sequence. Only what is current and not
 * removed there counts, so that the same messages under the same catalog always give the same rows.
 */
import type { Catalog, EntityKind, EntityVersion } from "../domain/catalog.ts";
import type { Aggregation, Meter } from "../domain/meter.ts";
import { compileEventSchema } from "../domain/event-type.ts";
import { assert } from "../kernel/assert.ts";
import type { CompiledSchema } from "../kernel/json-schema/compile-schema.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { compileFilter, type CompiledCondition } from "./meter-filter.ts";
import { parseJsonPointer, type JsonPointer } from "./json-pointer.ts";

export type CompiledDimension = { readonly name: string; readonly pointer: JsonPointer };

export type CompiledMeter = {
  readonly key: string;
  readonly aggregation: Aggregation;
  /** Absent for count. */
  readonly value: JsonPointer | undefined;
  /** Empty: every event of the type. */
  readonly filter: readonly CompiledCondition[];
  /** Sorted by name. Meters of one type with the same dimensions share the array. */
  readonly dimensions: readonly CompiledDimension[];
  readonly skipsMissing: boolean;
};

export type MeteringCatalog = {
  readonly seq: number;
  /** In the order of the meters' keys. */
  readonly metersByType: ReadonlyMap<string, readonly CompiledMeter[]>;
  /** What the data of a type has to fit, of the types that the catalog has a schema for. */
  readonly schemaByType: ReadonlyMap<string, CompiledSchema>;
  /** Customer key by key and alias. */
  readonly customerBySubject: ReadonlyMap<string, string>;
};

export function compileMeteringCatalog(catalog: Catalog): MeteringCatalog {
  const metersByType = new Map<string, CompiledMeter[]>();
  const shared = new Map<string, readonly CompiledDimension[]>();
  for (const meter of currentOf(catalog.meters)) {
    const ofType = metersByType.get(meter.eventType) ?? [];
    ofType.push(compileMeter(meter, shared));
    metersByType.set(meter.eventType, ofType);
  }
  const customerBySubject = new Map<string, string>();
  const customers = currentOf(catalog.customers);
  for (const customer of customers) for (const alias of customer.aliases) customerBySubject.set(alias, customer.key);
  // Keys last: a key is never shadowed by somebody's alias (the catalog refuses such an alias anyway).
  for (const customer of customers) customerBySubject.set(customer.key, customer.key);
  const schemaByType = new Map(
    currentOf(catalog.eventTypes).map(({ key, schema }) => [key, compileStored(key, schema)]),
  );
  return { seq: catalog.seq, metersByType, schemaByType, customerBySubject };
}

/** The catalog takes no schema that can't be compiled, and later releases compile what it has taken. */
function compileStored(key: string, schema: string): CompiledSchema {
  const compiled = compileEventSchema(schema);
  assert(!("problems" in compiled), `the schema of the event type ${key} can't be compiled`, { key });
  return compiled;
}

/** The newest definitions that are not removed, in the order of their keys. */
function currentOf<K extends EntityKind>(
  versions: ReadonlyMap<string, readonly EntityVersion<K>[]>,
): EntityVersion<K>["definition"][] {
  return [...versions.values()]
    .map((ofKey) => ofKey.at(-1))
    .filter((version) => version !== undefined)
    .filter((version) => !version.removed)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((version) => version.definition);
}

function compileMeter(meter: Meter, shared: Map<string, readonly CompiledDimension[]>): CompiledMeter {
  const sorted = Object.entries(meter.dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = canonicalJson(sorted);
  const dimensions = shared.get(key) ?? sorted.map(([name, pointer]) => ({ name, pointer: parseJsonPointer(pointer) }));
  shared.set(key, dimensions);
  return {
    key: meter.key,
    aggregation: meter.aggregation,
    value: meter.value === undefined ? undefined : parseJsonPointer(meter.value),
    filter: compileFilter(meter.where),
    dimensions,
    skipsMissing: meter.whenMissing === "skip",
  };
}
