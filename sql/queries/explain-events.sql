-- The first events behind a line in the order of their time, with where they came from.
SELECT source, id, toString(toUnixTimestamp64Nano(event_time)) AS event_time, value_text AS value, shard, toString(seq) AS seq, position, amended_by
FROM finance.line_events
WHERE line_id = {line_id: String}
ORDER BY event_time, source, id
LIMIT {limit: UInt32}
