-- As metered-latest-by-bucket, and each value counts once more for each hour or day without events after its own, up to {hold_for} of them within [from, to).
-- Their distance is counted in those that the base windows of [from, to) make, because they differ in length: each has so many remaining, itself included.
WITH buckets AS
(
    SELECT bucket, toInt64(row_number() OVER (ORDER BY min(start) DESC)) AS remaining
    FROM
    (
        SELECT {from:UInt32} + 900 * number AS start,
            usage_bucket(toDateTime(start, 'UTC'), {bucket_seconds:UInt32}, {span_begins:Array(UInt32)}, {span_offsets:Array(Int32)}) AS bucket
        FROM numbers(intDiv({to:UInt32} - {from:UInt32}, 900))
    )
    GROUP BY bucket
)
SELECT customer, toString(sum(value * least(remaining - next_remaining, 1 + {hold_for:UInt16}))) AS quantity
FROM
(
    -- After the last one with events 0 remain.
    SELECT customer, value, remaining,
        leadInFrame(remaining) OVER (PARTITION BY customer ORDER BY remaining DESC ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_remaining
    FROM
    (
        SELECT customer, usage_bucket(window_start, {bucket_seconds:UInt32}, {span_begins:Array(UInt32)}, {span_offsets:Array(Int32)}) AS bucket,
            toDecimal256(tupleElement(max(latest), 4), 18) AS value
        FROM meterline.usage_window_latest_as_of(cut = {cut:UInt32})
        WHERE meter = {meter:String}
            AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
            AND {{asked}}
        GROUP BY customer, bucket
    ) AS stated
    INNER JOIN buckets USING (bucket)
)
GROUP BY customer
ORDER BY customer
