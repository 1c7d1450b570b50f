-- The sequences that committed batches cover, per shard and incarnation.
SELECT shard, incarnation, min(first) AS first, max(last) AS last
FROM meterline.sink_batches
GROUP BY shard, incarnation
ORDER BY shard, incarnation
