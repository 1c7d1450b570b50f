-- Rejected events in the order of their places, each with the rows of its replays. An empty parameter filters nothing; the places are
-- "shard/incarnation/seq/position" with 0 for any incarnation.
SELECT e.shard AS shard, toString(e.incarnation) AS incarnation, toString(e.seq) AS seq, e.position AS position, e.subject AS subject,
    toString(toUnixTimestamp64Nano(e.ingested_at)) AS ingested_at, e.source AS source, e.id AS id, e.type AS type, e.customer AS customer,
    e.reason AS reason, e.detail AS detail, base64Encode(e.raw) AS raw_base64,
    arrayMap(place -> (toString(place.1), toString(place.2), place.3), r.places) AS replays
FROM meterline.usage_events_raw AS e
LEFT JOIN
(
    SELECT shard, origin_incarnation, origin_seq, origin_position, groupArray((incarnation, seq, position)) AS places
    FROM meterline.usage_replays
    GROUP BY shard, origin_incarnation, origin_seq, origin_position
) AS r ON r.shard = e.shard AND r.origin_incarnation = e.incarnation AND r.origin_seq = e.seq AND r.origin_position = e.position
WHERE e.verdict = 'rejected'
    AND ({replayedToo: Bool} OR empty(r.places))
    AND ({reason: String} = '' OR e.reason = {reason: String})
    AND ({source: String} = '' OR e.source = {source: String} OR splitByChar('.', CAST(e.subject AS String))[2] = {token: String})
    AND usage_arrival(e.subject, e.reason, e.ingested_at) >= parseDateTime64BestEffort({since: String}, 9, 'UTC')
    AND (empty({places: Array(String)})
        OR concat(toString(e.shard), '/0/', toString(e.seq), '/', toString(e.position)) IN {places: Array(String)}
        OR concat(toString(e.shard), '/', toString(e.incarnation), '/', toString(e.seq), '/', toString(e.position)) IN {places: Array(String)})
ORDER BY e.shard, e.incarnation, e.seq, e.position
LIMIT if({limit: UInt64} = 0, 9223372036854775807, {limit: UInt64});
