-- Each committed batch has exactly the raw rows it counted, verdict by verdict, and no raw row lies outside of a committed batch.
-- An open plan's rows may be there before its commit; they are after the last committed batch and are left alone.
SELECT 'usage_events_raw' AS table_name,
    concat('batch ', toString(shard), '/', toString(incarnation), '/', toString(batch_first)) AS row_key,
    concat('committed accepted, duplicate, conflict, rejected, messages ', toString(committed), ', found ', toString(found)) AS problem
FROM
(
    SELECT shard, incarnation, first AS batch_first, last AS batch_last, (accepted, duplicate, conflict, rejected, messages) AS committed
    FROM meterline.sink_batches
    WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND first <= {last: UInt64} AND last >= {first: UInt64}
) AS batches
FULL JOIN
(
    SELECT shard, incarnation, batch_first,
        (countIf(verdict = 'accepted'), countIf(verdict = 'duplicate'), countIf(verdict = 'conflict'), countIf(verdict = 'rejected'), uniqExact(seq)) AS found,
        min(seq) AS found_first, max(seq) AS found_last
    FROM meterline.usage_events_raw
    WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
    GROUP BY shard, incarnation, batch_first
) AS raw USING (shard, incarnation, batch_first)
WHERE committed != found OR found_first < batch_first OR found_last > batch_last
ORDER BY row_key
LIMIT {limit: UInt32};
