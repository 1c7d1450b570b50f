/** Pointers of meters to what the schema of their event type does not let an event have: such a meter would count nothing, or reject everything. */
import { fieldAt, type CatalogProblem, type Located } from "../../domain/catalog-files.ts";
import { schemaTree, type EventType } from "../../domain/event-type.ts";
import type { Meter } from "../../domain/meter.ts";
import { impossibleToken } from "../../domain/schema-pointer.ts";
import { pointersOf } from "../../domain/value-expression/expression-tree.ts";
import { parseExpression } from "../../domain/value-expression/parse-expression.ts";
import { present } from "../../kernel/assert.ts";

export type MeterPointers = Pick<Meter, "key" | "eventType" | "value" | "expression" | "where" | "dimensions">;

/** Looks at each meter and each schema of the files; what is in the catalog alone was looked at when it came. */
export function pointerProblems(
  meters: readonly Located<MeterPointers>[],
  eventTypes: ReadonlyMap<string, Located<EventType>>,
): CatalogProblem[] {
  return meters.flatMap((meter) => {
    const eventType = eventTypes.get(meter.value.eventType);
    if (eventType === undefined || (meter.at === "catalog" && eventType.at === "catalog")) return [];
    const schema = present(schemaTree(eventType.value.schema), "the tree of a schema");
    return namedPointers(meter.value).flatMap(({ path, pointer }): CatalogProblem[] => {
      const [first, ...tokens] = pointer.slice(1).split("/").map(unescaped);
      const at = first === "data" ? impossibleToken(schema, tokens) : -1;
      if (at < 0) return [];
      const reached = ["", first, ...tokens.slice(0, at + 1)].join("/");
      return [
        {
          at: meter.at === "catalog" ? eventType.at : fieldAt(meter, path),
          problem: `meter ${meter.value.key}: the schema of ${meter.value.eventType} lets no event have ${reached}; correct the pointer ${pointer}, or the schema`,
        },
      ];
    });
  });
}

type NamedPointer = { readonly path: readonly string[]; readonly pointer: string };

function namedPointers({ value, expression, where, dimensions }: MeterPointers): readonly NamedPointer[] {
  const parsed = expression === undefined ? undefined : parseExpression(expression);
  const inExpression = parsed === undefined || "problem" in parsed ? [] : pointersOf(parsed);
  return [
    ...[...(value === undefined ? [] : [value]), ...inExpression].map((pointer) => ({ path: ["value"], pointer })),
    ...Object.keys(where ?? {}).map((pointer) => ({ path: ["where", pointer], pointer })),
    ...Object.entries(dimensions).map(([name, pointer]) => ({ path: ["dimensions", name], pointer })),
  ];
}

function unescaped(token: string): string {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
