-- The first contributions that a line does not count because they were taken back before its cut, in the order of their time.
SELECT source, id, toString(toUnixTimestamp64Nano(event_time)) AS event_time, value_text AS value, kind, retracted_by, shard,
    toString(retraction_seq) AS retraction_seq
FROM finance.line_retractions
WHERE line_id = {line_id: String}
ORDER BY event_time, source, id, seq, position
LIMIT {limit: UInt32}
