-- usage_retractions, and event_retractions.retracts behind it, name what each void and amend takes back: every contribution of its event, as
-- published or as amended, that no void or amend before it has taken back already. In other words: each contribution is taken back by the first
-- void or amend of its event that comes after it, and by no other.
WITH
    decided AS
    (
        SELECT target_key, target_id, source, id, type, incarnation, seq, position, cut
        FROM meterline.event_retractions
        WHERE shard = {shard: UInt16} AND target_key IN
        (
            SELECT target_key FROM meterline.event_retractions
            WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
        )
    ),
    targets AS
    (
        SELECT event_key, incarnation, seq, position, customer, toDateTime(intDiv(toUnixTimestamp64Second(event_time), 900) * 900, 'UTC') AS window_start
        FROM meterline.usage_events_raw AS r
        WHERE shard = {shard: UInt16} AND verdict = 'accepted' AND (r.incarnation, r.seq, r.position) IN
            (SELECT incarnation, seq, position FROM meterline.event_keys WHERE shard = {shard: UInt16} AND event_key IN (SELECT target_key FROM decided))
    ),
    contributions AS
    (
        SELECT t.event_key AS target_key, CAST(u.meter AS String) AS meter, u.customer AS customer, u.window_start AS window_start,
            u.incarnation AS incarnation, u.seq AS seq, u.position AS position
        FROM
        (
            SELECT meter, customer, window_start, incarnation, seq, position
            FROM meterline.usage_events AS e
            WHERE shard = {shard: UInt16} AND (toYYYYMM(e.window_start), e.customer, e.window_start, e.incarnation, e.seq, e.position) IN
                (SELECT toYYYYMM(window_start), customer, window_start, incarnation, seq, position FROM targets)
        ) AS u
        INNER JOIN targets AS t ON t.incarnation = u.incarnation AND t.seq = u.seq AND t.position = u.position
        UNION ALL
        SELECT d.target_key, CAST(p.meter AS String), p.customer, p.window_start, p.incarnation, p.seq, p.position
        FROM meterline.usage_replacements AS p
        INNER JOIN decided AS d ON d.incarnation = p.incarnation AND d.seq = p.seq AND d.position = p.position
        WHERE p.shard = {shard: UInt16}
    ),
    expected AS
    (
        SELECT c.meter AS meter, c.customer AS customer, c.window_start AS window_start, c.incarnation AS target_incarnation, c.seq AS target_seq,
            c.position AS target_position, argMin((d.source, d.target_id, d.cut, d.id, d.type), (d.incarnation, d.seq, d.position)) AS by,
            min((d.incarnation, d.seq, d.position)) AS at
        FROM contributions AS c
        INNER JOIN decided AS d ON d.target_key = c.target_key
        WHERE (d.incarnation, d.seq, d.position) > (c.incarnation, c.seq, c.position)
        GROUP BY meter, customer, window_start, target_incarnation, target_seq, target_position
        HAVING at.1 = {incarnation: UInt64} AND at.2 BETWEEN {first: UInt64} AND {last: UInt64}
    )
SELECT 'usage_retractions' AS table_name,
    concat(toString({shard: UInt16}), '/', toString(incarnation), '/', toString(seq), '/', toString(position), ' ', meter, ' of ',
        toString(target_incarnation), '/', toString(target_seq), '/', toString(target_position)) AS row_key,
    multiIf(found = 0 AND named = 0, 'what it takes back is not named', wanted = 0, 'no void or amend takes this back',
        found > 1, concat('the row is there ', toString(found), ' times'), found = 0, 'the row is missing', named != 1, 'event_retractions.retracts does not have it',
        'the row is not what the void or amend gives') AS problem
FROM
(
    SELECT incarnation, seq, position, meter, target_incarnation, target_seq, target_position,
        countIf(origin = 'expected') AS wanted, countIf(origin = 'stored') AS found, countIf(origin = 'named') AS named, uniqExact(content) AS contents
    FROM
    (
        SELECT 'expected' AS origin, at.1 AS incarnation, at.2 AS seq, at.3 AS position, meter, target_incarnation, target_seq, target_position,
            cityHash64(customer, window_start, CAST(by.1 AS String), by.2, by.3, by.4, CAST(by.5 AS String)) AS content
        FROM expected
        UNION ALL
        SELECT 'named', incarnation, seq, position, taken.1, taken.4, taken.5, taken.6,
            cityHash64(taken.2, taken.3, CAST(source AS String), target_id, cut, id, CAST(type AS String))
        FROM meterline.event_retractions ARRAY JOIN retracts AS taken
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
        UNION ALL
        SELECT 'stored', incarnation, seq, position, CAST(meter AS String), target_incarnation, target_seq, target_position,
            cityHash64(customer, window_start, source, id, cut, retracted_by, CAST(retraction_type AS String))
        FROM meterline.usage_retractions
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
    )
    GROUP BY incarnation, seq, position, meter, target_incarnation, target_seq, target_position
)
WHERE wanted != 1 OR found != 1 OR named != 1 OR contents != 1
ORDER BY row_key
LIMIT {limit: UInt32};
