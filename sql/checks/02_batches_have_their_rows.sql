-- Each committed batch has exactly the raw rows it counted, verdict by verdict and all of its cut, and no raw row lies outside of a committed batch.
-- An open plan's rows may be there before its commit; they are after the last committed batch and are left alone.
-- A batch belongs to the range in which it begins, and is looked at as a whole, because ranges end anywhere in it.
-- Rows keep a hash over their columns, so where only the cut differs it is the batch that was changed.
SELECT if(committed = found, 'sink_batches', 'usage_events_raw') AS table_name,
    if(committed = found, concat(toString(shard), '/', toString(incarnation), '/', toString(batch_first), '-', toString(batch_last)),
        concat('batch ', toString(shard), '/', toString(incarnation), '/', toString(batch_first))) AS row_key,
    if(committed = found, concat('committed with cut ', toString(batch_cut), ', its rows have the cuts ', toString(least_cut), ' to ', toString(greatest_cut)),
        concat('committed accepted, duplicate, conflict, rejected, messages ', toString(committed), ', found ', toString(found))) AS problem
FROM
(
    SELECT shard, incarnation, first AS batch_first, last AS batch_last, (accepted, duplicate, conflict, rejected, messages) AS committed, cut AS batch_cut
    FROM meterline.sink_batches
    WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND first BETWEEN {first: UInt64} AND {last: UInt64}
) AS batches
FULL JOIN
(
    SELECT shard, incarnation, batch_first,
        (countIf(verdict = 'accepted'), countIf(verdict = 'duplicate'), countIf(verdict = 'conflict'), countIf(verdict = 'rejected'), uniqExact(seq)) AS found,
        min(seq) AS found_first, max(seq) AS found_last, min(cut) AS least_cut, max(cut) AS greatest_cut
    FROM meterline.usage_events_raw
    WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND batch_first BETWEEN {first: UInt64} AND {last: UInt64}
        AND seq BETWEEN {first: UInt64} AND
            (SELECT max(last) FROM meterline.sink_batches WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND first BETWEEN {first: UInt64} AND {last: UInt64})
    GROUP BY shard, incarnation, batch_first
) AS raw USING (shard, incarnation, batch_first)
WHERE committed != found OR least_cut != batch_cut OR greatest_cut != batch_cut OR found_first < batch_first OR found_last > batch_last
ORDER BY row_key
LIMIT {limit: UInt32};
