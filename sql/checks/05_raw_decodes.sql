-- The columns of every event that was read are what its bytes say: source, id, type and time (without one the first arrival).
WITH usage_document(raw) AS document
SELECT 'usage_events_raw' AS table_name,
    concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position)) AS row_key,
    multiIf(
        source != usage_text_at(document, '/source'), 'source is not what the bytes say',
        id != usage_text_at(document, '/id'), 'id is not what the bytes say',
        type != usage_text_at(document, '/type'), 'type is not what the bytes say',
        event_time != if(usage_text_at(document, '/time') = '', usage_arrival(subject, reason, ingested_at), parseDateTime64BestEffortOrZero(upper(usage_text_at(document, '/time')), 9, 'UTC')),
            'event_time is not what the bytes say',
        '') AS problem
FROM meterline.usage_events_raw
WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
    AND verdict != 'rejected' AND problem != ''
ORDER BY seq, position
LIMIT {limit: UInt32};
