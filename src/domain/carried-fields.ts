/** The fields by which a meter looks back beyond its period, `recurring` and `uniqueOver`, and the rules between them and its other fields. */
import type { z } from "zod";
import { flag, inAnyCase, oneOf } from "./file-fields.ts";
import { canRecur, RECURRING_AGGREGATIONS, type Aggregation, type Bucket, type Measure } from "./meter.ts";

export const recurring = flag.exactOptional();
export const uniqueOver = oneOf(["period", "ever"]).exactOptional();

type Written = { readonly recurring?: boolean; readonly uniqueOver?: "period" | "ever" };
/** While others of its fields may be wrong or missing. */
type Ruled = Written & { readonly aggregation?: Aggregation; readonly bucket?: Bucket };

const RULES: readonly {
  readonly field: string;
  readonly holds: (fields: Ruled) => boolean;
  readonly message: string;
}[] = [
  {
    field: "recurring",
    holds: ({ aggregation, ...fields }) =>
      fields.recurring !== true || aggregation === undefined || canRecur(aggregation),
    message: `must be absent: only ${RECURRING_AGGREGATIONS.join(", ")} can go on from one period to the next`,
  },
  {
    field: "uniqueOver",
    holds: ({ aggregation, ...fields }) => fields.uniqueOver === undefined || aggregation === "unique_count",
    message: "must be absent: only unique_count tells values apart",
  },
  {
    field: "uniqueOver",
    holds: (fields) => fields.recurring !== true || fields.uniqueOver !== "ever",
    message:
      "must not be ever beside recurring: true, which counts a value again in every later period; leave one of them out",
  },
  {
    field: "bucket",
    holds: (fields) => fields.bucket === undefined || (fields.recurring !== true && fields.uniqueOver !== "ever"),
    message: "must be absent beside recurring: true or uniqueOver: ever; an hour or a day begins with nothing",
  },
];

export function withCarriedRules<Schema extends z.ZodType<Ruled>>(schema: Schema): Schema {
  return RULES.reduce(
    (ruled, { field, holds, message }) => ruled.refine(holds, { ...inAnyCase(field), message }),
    schema,
  );
}

/** What is so anyway is left out, so that it has one content hash, said or not. */
export function withoutDefaults<Fields extends Written>(
  fields: Fields,
): Omit<Fields, keyof Written> & Pick<Measure, "recurring" | "uniqueOver"> {
  const { recurring: recurs, uniqueOver: over, ...rest } = fields;
  return { ...rest, ...(recurs === true && { recurring: true }), ...(over === "ever" && { uniqueOver: over }) };
}
