-- usage_replays has each row that came in on the subject of replays, once, and what it stands for is a rejected row with the same bytes that arrived when the
-- replay says. A message that only pretended to be a replay was rejected and is not there.
WITH
    replays AS
    (
        SELECT shard, incarnation, seq, position, splitByChar('.', CAST(subject AS String)) AS tokens, raw,
            toUInt64OrZero(tokens[3]) AS origin_incarnation, toUInt64OrZero(tokens[4]) AS origin_seq, toUInt32OrZero(tokens[5]) AS origin_position,
            usage_arrival(subject, reason, ingested_at) AS arrived_at, ingested_at
        FROM meterline.usage_events_raw
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
            AND startsWith(subject, 'quarantine.') AND reason != 'replay_invalid'
    )
SELECT table_name, row_key, problem
FROM
(
    SELECT 'usage_replays' AS table_name,
        concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position)) AS row_key,
        multiIf(wanted = 0, 'the row belongs to no replay', found = 0, 'a replay lacks its row', found > 1, concat('the row is there ', toString(found), ' times'),
            'the row is not what the replay''s subject says') AS problem
    FROM
    (
        SELECT shard, incarnation, seq, position, countIf(side = 'raw') AS wanted, countIf(side = 'replay') AS found, uniqExact(content) AS contents
        FROM
        (
            SELECT 'raw' AS side, shard, incarnation, seq, position, (origin_incarnation, origin_seq, origin_position, arrived_at, ingested_at) AS content FROM replays
            UNION ALL
            SELECT 'replay', shard, incarnation, seq, position, (origin_incarnation, origin_seq, origin_position, arrived_at, ingested_at)
            FROM meterline.usage_replays
            WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
        )
        GROUP BY shard, incarnation, seq, position
    )
    WHERE wanted != 1 OR found != 1 OR contents != 1
    UNION ALL
    SELECT 'usage_events_raw',
        concat(toString(p.shard), '/', toString(p.incarnation), '/', toString(p.seq), '/', toString(p.position)),
        multiIf(o.rejected != 1, 'a replay of a row that is not there, or was not rejected', (p.incarnation, p.seq) <= (o.incarnation, o.seq), 'a replay of a later row',
            p.arrived_at != o.arrived_at, 'the replay arrived at another time than what it replays', 'the replay has other bytes than what it replays')
    FROM replays AS p
    LEFT JOIN
    (
        SELECT shard, incarnation, seq, position, usage_arrival(subject, reason, ingested_at) AS arrived_at, splitByChar('.', CAST(subject AS String))[2] AS producer, raw,
            toUInt8(verdict = 'rejected' AND reason != 'replay_invalid') AS rejected
        FROM meterline.usage_events_raw
        WHERE (shard, incarnation, seq, position) IN (SELECT shard, origin_incarnation, origin_seq, origin_position FROM replays)
    ) AS o ON o.shard = p.shard AND o.incarnation = p.origin_incarnation AND o.seq = p.origin_seq AND o.position = p.origin_position
    WHERE o.rejected != 1 OR (p.incarnation, p.seq) <= (o.incarnation, o.seq) OR p.arrived_at != o.arrived_at OR p.tokens[2] != o.producer
        OR position(o.raw, p.raw) = 0
)
ORDER BY table_name, row_key
LIMIT {limit: UInt32};
