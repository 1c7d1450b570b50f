-- How a rated line's amount came about, and when its catalog was recorded.
SELECT input, breakdown, line_hash, rate_card, rate_card_version, aggregation, toUInt32(catalog_seq) AS catalog_seq
FROM finance.rated_lines
WHERE run_id = {run_id: String} AND line_id = {rated_line_id: String}
