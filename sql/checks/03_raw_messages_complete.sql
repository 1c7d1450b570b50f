-- Every message of the range has its rows, at the positions 0 to n − 1, once each.
SELECT 'usage_events_raw' AS table_name, concat(toString({shard: UInt16}), '/', toString({incarnation: UInt64}), '/', toString(seq)) AS row_key,
    if(events = 0, 'the message has no row', concat('positions 0 to ', toString(highest), ' expected, found ', toString(events), ' rows')) AS problem
FROM
(
    SELECT seq, countIf(present) AS events, maxIf(position, present) AS highest, uniqExactIf(position, present) AS positions
    FROM
    (
        SELECT seq, position, true AS present
        FROM meterline.usage_events_raw
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
        UNION ALL
        SELECT number AS seq, toUInt32(0) AS position, false AS present
        FROM numbers({first: UInt64}, {last: UInt64} - {first: UInt64} + 1)
    )
    GROUP BY seq
)
WHERE events = 0 OR highest + 1 != events OR positions != events
ORDER BY seq
LIMIT {limit: UInt32};
