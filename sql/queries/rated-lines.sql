-- The lines of a rating run as stored, in the order of customer and line; an unmerged repetition has the same bytes, so FINAL takes either.
SELECT run_id, line_id, customer, contract, contract_version, contract_hash, rate_card, rate_card_version, price, meter, aggregation,
    filter, description, toUnixTimestamp(billing_from) AS billing_from, toUnixTimestamp(billing_to) AS billing_to,
    toUnixTimestamp(period_from) AS period_from, toUnixTimestamp(period_to) AS period_to,
    toString(quantity) AS quantity, toString(amount) AS amount, toString(amount_rounded) AS amount_rounded, currency,
    toString(event_count) AS event_count,
    arrayMap(range -> (toString(range.1), toString(range.2), toString(range.3), toString(range.4)), shard_ranges) AS shard_ranges,
    toString(events_digest) AS events_digest, cut, toUInt32(catalog_seq) AS catalog_seq, rating_rev, input, breakdown, line_hash, limits
FROM meterline.rated_lines FINAL
WHERE run_id = {run_id:String}
    AND (empty({customers:Array(String)}) OR customer IN {customers:Array(String)})
ORDER BY customer, line_id
