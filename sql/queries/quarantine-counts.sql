-- How many rejected events fit the filter (see quarantined-events.sql), by producer and reason.
SELECT decodeURLComponent(replaceAll(splitByChar('.', CAST(e.subject AS String))[2], '~', '%')) AS producer, CAST(e.reason AS String) AS reason,
    toString(count()) AS events
FROM meterline.usage_events_raw AS e
WHERE e.verdict = 'rejected'
    AND ({replayedToo: Bool} OR (e.shard, e.incarnation, e.seq, e.position) NOT IN
        (SELECT shard, origin_incarnation, origin_seq, origin_position FROM meterline.usage_replays))
    AND ({reason: String} = '' OR e.reason = {reason: String})
    AND ({source: String} = '' OR e.source = {source: String} OR splitByChar('.', CAST(e.subject AS String))[2] = {token: String})
    AND usage_arrival(e.subject, e.reason, e.ingested_at) >= parseDateTime64BestEffort({since: String}, 9, 'UTC')
    AND (empty({places: Array(String)})
        OR concat(toString(e.shard), '/0/', toString(e.seq), '/', toString(e.position)) IN {places: Array(String)}
        OR concat(toString(e.shard), '/', toString(e.incarnation), '/', toString(e.seq), '/', toString(e.position)) IN {places: Array(String)})
GROUP BY producer, reason
ORDER BY producer, reason;
