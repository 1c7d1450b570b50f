-- Batches of a shard's incarnation tile the stream from its first sequence, without gap or overlap, and each spans exactly its messages.
SELECT 'sink_batches' AS table_name, row_key, problem
FROM
(
    SELECT
        concat(toString(shard), '/', toString(incarnation), '/', toString(first), '-', toString(last)) AS row_key,
        lagInFrame(last, 1, toUInt64(0)) OVER (PARTITION BY shard, incarnation ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before,
        multiIf(
            first > before + 1, concat('messages ', toString(before + 1), ' to ', toString(first - 1), ' are in no batch'),
            first <= before, concat('overlaps the batch before it, which ends at ', toString(before)),
            last < first OR messages != last - first + 1, concat('says ', toString(messages), ' messages for its range'),
            rows != accepted + duplicate + conflict + rejected, concat('says ', toString(rows), ' rows, its verdicts add up to ',
                toString(accepted + duplicate + conflict + rejected)),
            '') AS problem
    FROM meterline.sink_batches
)
WHERE problem != ''
ORDER BY row_key
LIMIT {limit: UInt32};
