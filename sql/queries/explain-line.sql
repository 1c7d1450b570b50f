-- One invoice line with its invoice and the rated line behind it.
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.line_number AS line_number, l.number AS number, l.status AS status,
    l.description AS description, l.customer AS customer, l.contract AS contract, l.contract_version AS contract_version,
    l.contract_hash AS contract_hash, l.price AS price, l.meter AS meter, CAST(l.filter AS Map(String, String)) AS filter,
    toString(l.quantity) AS quantity, toString(l.amount) AS amount, toString(l.amount_exact) AS amount_exact, l.currency AS currency,
    toUnixTimestamp(l.period_from) AS period_from, toUnixTimestamp(l.period_to) AS period_to,
    l.cut AS cut, l.rating_rev AS rating_rev, l.run_id AS run_id, l.rated_line_id AS rated_line_id, l.rated_line_hash AS rated_line_hash,
    l.line_hash AS line_hash, toString(l.event_count) AS event_count, l.events_digest AS events_digest,
    arrayMap(part -> concat('shard ', toString(part.1), '/', toString(part.2), ': ', toString(part.3), '-', toString(part.4)), l.shard_ranges) AS shard_ranges,
    i.merkle_root AS merkle_root, toUInt32(ifNull(i.journal_seq, 0)) AS journal_seq,
    toString(l.net) AS net, toString(l.tax) AS tax, l.compares AS compares, l.explanation AS explanation, l.limits AS limits,
    l.meter IN (SELECT key FROM meterline.catalog_meters WHERE counts_earlier) AS counts_earlier
FROM finance.invoice_lines AS l
INNER JOIN finance.invoices AS i ON i.invoice_id = l.invoice_id
WHERE l.line_id = {line_id: String}
