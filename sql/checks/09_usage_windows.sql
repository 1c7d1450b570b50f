-- usage_windows holds, for the windows of one month, as of a cut (later batches may be half way), exactly what usage_events gives: count, sum, first and last sequence and digest.
-- The leaves need the body hashes of usage_events_raw, of the part of the stream that the month's events lie in; beyond 2 GB they are joined by way of the disk.
-- Left as it is, the month's condition is looked up in the keys of both tables.
SELECT 'usage_windows' AS table_name,
    concat(meter, ' ', customer, ' ', formatDateTime(window_start, '%FT%TZ', 'UTC'), ' ', toString(dimensions), ' cut ', toString(cut), ' shard ', toString(shard), '/', toString(incarnation)) AS row_key,
    multiIf(NOT has(origins, 'stored'), 'the row is missing', NOT has(origins, 'expected'), 'no event gives this row',
        concat('stored and recomputed differ: ', arrayStringConcat(contents, ' / '))) AS problem
FROM
(
    SELECT meter, customer, window_start, dimensions, cut, shard, incarnation, groupUniqArray(origin) AS origins, arraySort(groupUniqArray(content)) AS contents
    FROM
    (
        SELECT 'stored' AS origin, meter, customer, window_start, dimensions, cut, shard, incarnation, toString((sum(event_count), sum(quantity_sum), min(first_seq), max(last_seq), sum(events_digest),)) AS content
        FROM meterline.usage_windows
        WHERE toYYYYMM(window_start) = {month: UInt32} AND cut <= {cut: UInt32}
        GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation
        UNION ALL
        SELECT 'expected', meter, customer, window_start, dimensions, cut, shard, incarnation, toString((count(), sum(toDecimal256(quantity, 18)), min(seq), max(seq), sum(usage_event_leaf(source, id, body_hash, customer, meter, dimensions, event_time, quantity, text)),))
        FROM
        (
            SELECT e.meter AS meter, e.customer AS customer, e.window_start AS window_start, e.dimensions AS dimensions, e.cut AS cut, e.shard AS shard,
                e.incarnation AS incarnation, e.seq AS seq, e.event_time AS event_time, e.source AS source, e.id AS id, e.quantity AS quantity, e.text AS text, b.body_hash AS body_hash
            FROM meterline.usage_events AS e
            LEFT ANY JOIN
            (
                SELECT shard, incarnation, seq, position, body_hash FROM meterline.usage_events_raw
                WHERE verdict = 'accepted' AND toYYYYMM(event_time) = {month: UInt32} AND cut <= {cut: UInt32}
                    AND seq >= (SELECT min(seq) FROM meterline.usage_events WHERE toYYYYMM(window_start) = {month: UInt32})
                    AND seq <= (SELECT max(seq) FROM meterline.usage_events WHERE toYYYYMM(window_start) = {month: UInt32})
            ) AS b ON b.shard = e.shard AND b.incarnation = e.incarnation AND b.seq = e.seq AND b.position = e.position
            WHERE toYYYYMM(e.window_start) = {month: UInt32} AND e.cut <= {cut: UInt32}
        )
        GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation
    )
    GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation
)
WHERE length(origins) != 2 OR length(contents) != 1
ORDER BY row_key
LIMIT {limit: UInt32}
SETTINGS optimize_time_filter_with_preimage = 0, join_algorithm = 'grace_hash', max_bytes_in_join = 2000000000;
