-- The numbers of distinct values of the hours or days of [from, to), added up, per customer of a meter as of a cut.
-- From the single events, because the rows of distinct values are those of UTC days.
SELECT customer, toString(sum(value)) AS quantity
FROM
(
    SELECT customer, usage_bucket(window_start, {bucket_seconds:UInt32}, {span_begins:Array(UInt32)}, {span_offsets:Array(Int32)}) AS bucket,
        toDecimal256(uniqExact(text), 18) AS value
    FROM meterline.usage_events_as_of(cut = {cut:UInt32})
    WHERE meter = {meter:String}
        AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
        AND {{asked}}
    GROUP BY customer, bucket
)
GROUP BY customer
ORDER BY customer
