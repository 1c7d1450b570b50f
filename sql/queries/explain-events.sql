-- The first events behind a line in the order of their time, with where they came from: those of finance.line_events, without their body hashes.
SELECT source, id, toString(toUnixTimestamp64Nano(c.event_time)) AS event_time, if(text = '', toString(quantity), text) AS value, shard,
    toString(c.seq) AS seq, position, amended_by
FROM meterline.invoice_line_events AS c
WHERE line_id = {line_id: String}
ORDER BY c.event_time, source, id
LIMIT {limit: UInt32}
