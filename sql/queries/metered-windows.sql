-- Lineage per customer of a meter in [from, to) as of a cut, and the quantity of count and sum. From `counted_from` on: `from`, or 0 where the
-- quantity rests on all that came before.
SELECT customer, toString(sum(quantity)) AS quantity, toString(sum(events)) AS event_count, toString(sum(digest)) AS events_digest,
    arrayMap(range -> (toString(range.1), toString(range.2), toString(range.3), toString(range.4)),
        arraySort(groupArray((shard, incarnation, first, last)))) AS shard_ranges
FROM
(
    SELECT customer, shard, incarnation, sum(quantity_sum) AS quantity, sum(event_count) AS events, sum(events_digest) AS digest,
        min(first_seq) AS first, max(last_seq) AS last
    FROM meterline.usage_windows_as_of(cut = {cut:UInt32})
    WHERE meter = {meter:String}
        AND window_start >= toDateTime({counted_from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
        AND {{asked}}
    GROUP BY customer, shard, incarnation
)
GROUP BY customer
ORDER BY customer
