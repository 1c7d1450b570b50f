-- Every duplicate and conflict repeats an identity that was accepted before it, with the same or another body, and no identity was
-- accepted twice.
SELECT 'usage_events_raw' AS table_name,
    concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position)) AS row_key,
    multiIf(
        verdict = 'accepted', 'the identity was accepted before',
        owners = 0, concat(toString(verdict), ' of an identity that was never accepted before it'),
        verdict = 'duplicate', 'duplicate, but the body differs from the accepted one',
        'conflict, but the body equals the accepted one') AS problem
FROM
(
    SELECT r.shard AS shard, r.incarnation AS incarnation, r.seq AS seq, r.position AS position, any(r.verdict) AS verdict,
        countIf(k.found AND (k.incarnation, k.seq, k.position) < (r.incarnation, r.seq, r.position)) AS owners,
        countIf(k.found AND k.body_hash = r.body_hash) AS same_body
    FROM
    (
        SELECT shard, incarnation, seq, position, verdict, event_key, body_hash
        FROM meterline.usage_events_raw
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64} AND verdict != 'rejected'
    ) AS r
    LEFT JOIN
    (
        SELECT event_key, body_hash, incarnation, seq, position, true AS found
        FROM meterline.event_keys
        WHERE event_key IN
        (
            SELECT event_key FROM meterline.usage_events_raw
            WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64} AND verdict != 'rejected'
        )
    ) AS k ON k.event_key = r.event_key
    GROUP BY shard, incarnation, seq, position
)
WHERE (verdict = 'accepted' AND owners != 0) OR (verdict != 'accepted' AND owners = 0)
    OR (verdict = 'duplicate' AND same_body = 0) OR (verdict = 'conflict' AND same_body != 0)
ORDER BY seq, position
LIMIT {limit: UInt32};
