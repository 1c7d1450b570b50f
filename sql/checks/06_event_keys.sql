-- event_keys holds the identity of every accepted event, once, and of nothing else.
SELECT 'event_keys' AS table_name,
    concat(toString(event_key), ' (', toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position), ')') AS row_key,
    multiIf(
        keys > 1, concat('the identity is there ', toString(keys), ' times'),
        keys = 0, 'an accepted event lacks its identity',
        accepted = 0, 'the identity belongs to no accepted event',
        'the body hash is not the accepted event''s') AS problem
FROM
(
    SELECT event_key, shard, incarnation, seq, position,
        countIf(origin = 'key') AS keys, countIf(origin = 'raw') AS accepted, uniqExact(body_hash) AS bodies
    FROM
    (
        SELECT 'key' AS origin, event_key, body_hash, shard, incarnation, seq, position
        FROM meterline.event_keys
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
        UNION ALL
        SELECT 'raw', reinterpretAsUInt128(substring(SHA256(concat(toString(length(source)), ':', source, id)), 1, 16)), body_hash, shard, incarnation, seq, position
        FROM meterline.usage_events_raw
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64} AND verdict = 'accepted'
    )
    GROUP BY event_key, shard, incarnation, seq, position
)
WHERE keys != 1 OR accepted != 1 OR bodies != 1
ORDER BY row_key
LIMIT {limit: UInt32};
