/** The fields by which a meter is taken per hour or day, `bucket` and `holdFor`, and the rules between them and its other fields. */
import { z } from "zod";
import { shownValue } from "./decimal-field.ts";
import { inAnyCase, oneOf } from "./file-fields.ts";
import {
  BUCKETED_AGGREGATIONS,
  BUCKETS,
  HOLD_BUCKETS_MAX,
  takesBucket,
  type Aggregation,
  type Bucket,
} from "./meter.ts";

export const bucket = oneOf(BUCKETS).exactOptional();
export const holdFor = z
  .custom<number>((value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= HOLD_BUCKETS_MAX, {
    error: ({ input }) =>
      `is ${shownValue(input)}; write a whole number of hours or days from 1 to ${HOLD_BUCKETS_MAX}, without quotes`,
  })
  .exactOptional();

/** While others of its fields may be wrong or missing. */
type Ruled = { readonly aggregation?: Aggregation; readonly bucket?: Bucket; readonly holdFor?: number };

const HOLD_RULE =
  "must be absent: only latest has a last stated level to hold; use aggregation: latest, or take holdFor out";

export function withBucketRules<Schema extends z.ZodType<Ruled>>(schema: Schema): Schema {
  return schema
    .refine(
      ({ aggregation, bucket }) => bucket === undefined || aggregation === undefined || takesBucket(aggregation),
      {
        ...inAnyCase("bucket"),
        message: `must be absent: only ${BUCKETED_AGGREGATIONS.join(", ")} are taken per hour or day`,
      },
    )
    .refine(({ aggregation, holdFor }) => holdFor === undefined || [undefined, "latest"].includes(aggregation), {
      ...inAnyCase("holdFor"),
      message: HOLD_RULE,
    })
    .refine(({ bucket, holdFor }) => holdFor === undefined || bucket !== undefined, {
      ...inAnyCase("holdFor"),
      message: "counts hours or days: say bucket: hour or bucket: day beside it, or take holdFor out",
    });
}
