-- usage_unique_values holds, for the windows of one month, as of a cut (later batches may be half way), exactly what usage_events gives: first and last window of the value.
SELECT 'usage_unique_values' AS table_name,
    concat(meter, ' ', customer, ' ', toString(day), ' ', toString(value_hash), ' ', toString(dimensions), ' cut ', toString(cut), ' shard ', toString(shard), '/', toString(incarnation)) AS row_key,
    multiIf(NOT has(origins, 'stored'), 'the row is missing', NOT has(origins, 'expected'), 'no event gives this row',
        concat('stored and recomputed differ: ', arrayStringConcat(contents, ' / '))) AS problem
FROM
(
    SELECT meter, customer, day, dimensions, value_hash, cut, shard, incarnation, groupUniqArray(origin) AS origins, arraySort(groupUniqArray(content)) AS contents
    FROM
    (
        SELECT 'stored' AS origin, meter, customer, day, dimensions, value_hash, cut, shard, incarnation, toString((min(first_window), max(last_window),)) AS content
        FROM meterline.usage_unique_values
        WHERE toYYYYMM(day) = {month: UInt32} AND cut <= {cut: UInt32}
        GROUP BY meter, customer, day, dimensions, value_hash, cut, shard, incarnation
        UNION ALL
        SELECT 'expected', meter, customer, toDate(window_start, 'UTC'), dimensions, reinterpretAsUInt128(substring(SHA256(text), 1, 16)), cut, shard, incarnation, toString((min(window_start), max(window_start),))
        FROM meterline.usage_events
        WHERE toYYYYMM(window_start) = {month: UInt32} AND cut <= {cut: UInt32} AND aggregation = 'unique_count'
        GROUP BY meter, customer, toDate(window_start, 'UTC'), dimensions, reinterpretAsUInt128(substring(SHA256(text), 1, 16)), cut, shard, incarnation
    )
    GROUP BY meter, customer, day, dimensions, value_hash, cut, shard, incarnation
)
WHERE length(origins) != 2 OR length(contents) != 1
ORDER BY row_key
LIMIT {limit: UInt32};
