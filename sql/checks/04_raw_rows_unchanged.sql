-- A raw row is as it was written: its hash over all columns still fits.
SELECT 'usage_events_raw' AS table_name,
    concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position)) AS row_key,
    'the row''s columns do not give its row_hash' AS problem
FROM meterline.usage_events_raw
WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
    AND row_hash != xxHash64(shard, incarnation, seq, position, batch_first, cut, CAST(subject AS String), toUnixTimestamp64Nano(ingested_at),
        CAST(source AS String), id, CAST(type AS String), customer, toUnixTimestamp64Nano(event_time), toInt8(verdict), reason, detail,
        event_key, body_hash, raw)
ORDER BY seq, position
LIMIT {limit: UInt32};
