-- usage_window_latest holds, for the windows of one month, as of a cut (later batches may be half way), exactly what usage_events gives: count and the latest value.
SELECT 'usage_window_latest' AS table_name,
    concat(meter, ' ', customer, ' ', formatDateTime(window_start, '%FT%TZ', 'UTC'), ' ', toString(dimensions), ' cut ', toString(cut), ' shard ', toString(shard), '/', toString(incarnation)) AS row_key,
    multiIf(NOT has(origins, 'stored'), 'the row is missing', NOT has(origins, 'expected'), 'no event gives this row',
        concat('stored and recomputed differ: ', arrayStringConcat(contents, ' / '))) AS problem
FROM
(
    SELECT meter, customer, window_start, dimensions, cut, shard, incarnation, groupUniqArray(origin) AS origins, arraySort(groupUniqArray(content)) AS contents
    FROM
    (
        SELECT 'stored' AS origin, meter, customer, window_start, dimensions, cut, shard, incarnation, toString((sum(event_count), max(latest),)) AS content
        FROM meterline.usage_window_latest
        WHERE toYYYYMM(window_start) = {month: UInt32} AND cut <= {cut: UInt32}
        GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation
        UNION ALL
        SELECT 'expected', meter, customer, window_start, dimensions, cut, shard, incarnation, toString((count(), max((event_time, CAST(source AS String), id, quantity)),))
        FROM meterline.usage_events
        WHERE toYYYYMM(window_start) = {month: UInt32} AND cut <= {cut: UInt32} AND aggregation = 'latest'
        GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation
    )
    GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation
)
WHERE length(origins) != 2 OR length(contents) != 1
ORDER BY row_key
LIMIT {limit: UInt32};
