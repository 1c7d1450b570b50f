-- The first events behind a line in the order of their time, with where they came from: those of finance.line_events, without their body hashes.
SELECT source, id, toString(toUnixTimestamp64Nano(event_time)) AS event_time, if(text = '', toString(quantity), text) AS value, shard,
    toString(seq) AS seq, position, amended_by
FROM meterline.invoice_line_candidates AS c
WHERE line_id = {line_id: String} AND c.cut <= c.line_cut AND (c.retracted_at = 0 OR c.retracted_at > c.line_cut)
ORDER BY c.event_time, source, id
LIMIT {limit: UInt32}
