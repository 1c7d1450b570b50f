-- Everything that counts as of a cut lies in a committed batch: a row that says it came from elsewhere is compared with no message by the
-- other checks, and would be billed. Identities and replays carry no cut: those behind a shard's last batch may belong to one under way, but only where a
-- writer has ever put up its fence.
-- What says where a shard's batches lie is read once for these two: read twice, it could have grown by a batch between.
WITH
    spans AS
    (
        SELECT shard, incarnation, min(first) AS first, max(last) AS last
        FROM meterline.sink_batches
        GROUP BY shard, incarnation
    ),
    shards AS
    (
        SELECT shard, groupArray((incarnation, first, last)) AS incarnations, max((incarnation, last)) AS end
        FROM spans
        GROUP BY shard
    )
SELECT table_name, row_key, problem
FROM
(
    SELECT 'usage_events_raw' AS table_name,
        concat(toString(r.shard), '/', toString(r.incarnation), '/', toString(r.seq), '/', toString(r.position)) AS row_key,
        'the row lies in no committed batch' AS problem
    FROM meterline.usage_events_raw AS r
    LEFT JOIN spans AS s ON s.shard = r.shard AND s.incarnation = r.incarnation
    WHERE r.cut <= {cut: UInt32} AND (s.last = 0 OR r.seq < s.first OR r.seq > s.last)
    UNION ALL
    SELECT 'usage_events',
        concat(toString(u.shard), '/', toString(u.incarnation), '/', toString(u.seq), '/', toString(u.position), ' ', u.meter),
        'the row lies in no committed batch'
    FROM meterline.usage_events AS u
    LEFT JOIN spans AS s ON s.shard = u.shard AND s.incarnation = u.incarnation
    WHERE u.cut <= {cut: UInt32} AND (s.last = 0 OR u.seq < s.first OR u.seq > s.last)
    UNION ALL
    SELECT 'usage_replays',
        concat(toString(p.shard), '/', toString(p.incarnation), '/', toString(p.seq), '/', toString(p.position)),
        'the row lies in no committed batch'
    FROM meterline.usage_replays AS p
    LEFT JOIN shards AS s ON s.shard = p.shard
    WHERE NOT arrayExists(i -> i.1 = p.incarnation AND p.seq BETWEEN i.2 AND i.3, s.incarnations)
        AND ((p.incarnation, p.seq) <= s.end OR p.shard NOT IN (SELECT shard FROM meterline.sink_fence))
    UNION ALL
    SELECT 'event_retractions',
        concat(toString(u.shard), '/', toString(u.incarnation), '/', toString(u.seq), '/', toString(u.position)),
        'the row lies in no committed batch'
    FROM meterline.event_retractions AS u
    LEFT JOIN spans AS s ON s.shard = u.shard AND s.incarnation = u.incarnation
    WHERE u.cut <= {cut: UInt32} AND (s.last = 0 OR u.seq < s.first OR u.seq > s.last)
    UNION ALL
    SELECT 'usage_replacements',
        concat(toString(u.shard), '/', toString(u.incarnation), '/', toString(u.seq), '/', toString(u.position), ' ', u.meter),
        'the row lies in no committed batch'
    FROM meterline.usage_replacements AS u
    LEFT JOIN spans AS s ON s.shard = u.shard AND s.incarnation = u.incarnation
    WHERE u.cut <= {cut: UInt32} AND (s.last = 0 OR u.seq < s.first OR u.seq > s.last)
    UNION ALL
    SELECT 'usage_retractions',
        concat(toString(u.shard), '/', toString(u.incarnation), '/', toString(u.seq), '/', toString(u.position), ' ', u.meter, ' of ',
            toString(u.target_incarnation), '/', toString(u.target_seq), '/', toString(u.target_position)),
        'the row lies in no committed batch'
    FROM meterline.usage_retractions AS u
    LEFT JOIN spans AS s ON s.shard = u.shard AND s.incarnation = u.incarnation
    WHERE u.cut <= {cut: UInt32} AND (s.last = 0 OR u.seq < s.first OR u.seq > s.last)
    UNION ALL
    SELECT 'event_keys',
        concat(toString(k.event_key), ' (', toString(k.shard), '/', toString(k.incarnation), '/', toString(k.seq), '/', toString(k.position), ')'),
        'the identity belongs to no event of a committed batch'
    FROM meterline.event_keys AS k
    LEFT JOIN shards AS s ON s.shard = k.shard
    WHERE NOT arrayExists(i -> i.1 = k.incarnation AND k.seq BETWEEN i.2 AND i.3, s.incarnations)
        AND ((k.incarnation, k.seq) <= s.end OR k.shard NOT IN (SELECT shard FROM meterline.sink_fence))
)
ORDER BY table_name, row_key
LIMIT {limit: UInt32};
