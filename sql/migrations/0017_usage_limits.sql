-- What a price is limited to beyond single values of dimensions: one of several values, all but some, and hours of the week in local time.
-- A line has its limits as canonical JSON, and whatever asks for the line's usage asks these two functions. No zone data is needed here: the limits name
-- the offsets at which local time ran in the period, so that a repetition in years, with other zone data, filters by the same windows.

-- {"conditions": [["model", "in", ["a", "b"]]]}; no text and no conditions fit everything.
CREATE FUNCTION IF NOT EXISTS usage_dimensions_fit AS (limits, dimensions) ->
    arrayAll(condition -> has(condition.3, toString(dimensions[condition.1])) = (condition.2 = 'in'),
        JSONExtract(limits, 'conditions', 'Array(Tuple(String, String, Array(String)))'));

-- @statement
-- Minutes since Monday 00:00 of local time, where {"clock": [[since, offset]]} has the offsets in seconds. The epoch was a Thursday, 4320 minutes after a Monday.
CREATE FUNCTION IF NOT EXISTS usage_minute_of_week AS (clock, at) ->
    (intDiv(toInt64(at) + tupleElement(clock[arrayCount(step -> step.1 <= at, clock)], 2), 60) + 4320) % 10080;

-- @statement
-- {"week": [[from, to]]}, half open; a price that is limited to hours has at least one, so none is no limit.
CREATE FUNCTION IF NOT EXISTS usage_hours_fit AS (limits, window_start) ->
    NOT JSONHas(limits, 'week') OR arrayExists(
        span -> span.1 <= usage_minute_of_week(JSONExtract(limits, 'clock', 'Array(Tuple(Int64, Int64))'), toUnixTimestamp(window_start))
            AND usage_minute_of_week(JSONExtract(limits, 'clock', 'Array(Tuple(Int64, Int64))'), toUnixTimestamp(window_start)) < span.2,
        JSONExtract(limits, 'week', 'Array(Tuple(Int64, Int64))'));

-- @statement
ALTER TABLE meterline.rated_lines ADD COLUMN IF NOT EXISTS limits String DEFAULT '';

-- @statement
ALTER TABLE meterline.invoice_lines ADD COLUMN IF NOT EXISTS limits String DEFAULT '';

-- @statement
CREATE OR REPLACE VIEW finance.rated_lines
(
    run_id String COMMENT 'rating run that wrote the line; its journal entry holds the hash over all its lines',
    line_id String COMMENT '<contract>/<contract version>/<period from>/<price>, unique in a run',
    customer String COMMENT 'key of the customer',
    contract String COMMENT 'key of the contract',
    contract_version UInt32 COMMENT 'version of the contract that holds in the line''s period',
    contract_hash String COMMENT 'content hash of that version (SHA-256, hex)',
    rate_card String COMMENT 'key of the rate card',
    rate_card_version UInt32 COMMENT 'version of the rate card that the contract version pins',
    price String COMMENT 'key of the price in the rate card',
    meter String COMMENT 'key of the meter; empty for a flat price',
    aggregation String COMMENT 'how the meter aggregates; empty for a flat price',
    filter Map(String, String) COMMENT 'dimension values the price is limited to',
    description String COMMENT 'text for the invoice',
    billing_from DateTime('UTC') COMMENT 'start of the contract''s billing period',
    billing_to DateTime('UTC') COMMENT 'its end, not part of it',
    period_from DateTime('UTC') COMMENT 'start of the part that this contract version covers: the service period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    quantity Decimal(76, 18) COMMENT 'metered quantity of the service period',
    amount Decimal(76, 24) COMMENT 'exact amount, before rounding',
    amount_rounded Decimal(76, 4) COMMENT 'amount rounded to the minor unit of the currency',
    currency String COMMENT 'ISO 4217 code',
    event_count UInt64 COMMENT 'events behind the quantity',
    shard_ranges Array(Tuple(shard UInt16, incarnation UInt64, first_seq UInt64, last_seq UInt64)) COMMENT 'per stream: first and last sequence of those events',
    events_digest String COMMENT 'sum modulo 2^256 of the events'' SHA-256 leaves, hex',
    cut UInt32 COMMENT 'the line counts what was known as of this cut',
    catalog_seq UInt64 COMMENT 'journal sequence of the catalog it was rated with',
    rating_rev UInt16 COMMENT 'revision of the rating rules',
    input String COMMENT 'canonical JSON of everything the amount follows from',
    breakdown String COMMENT 'JSON: how the amount came about',
    line_hash String COMMENT 'SHA-256 over the canonical JSON of the line, hex',
    limits String COMMENT 'further limits of the price as JSON: conditions on dimensions, minutes of the local week, offsets of the zone; empty without any'
) AS
SELECT run_id, line_id, customer, contract, contract_version, contract_hash, rate_card, rate_card_version, price, meter, aggregation, filter,
    description, billing_from, billing_to, period_from, period_to, quantity, amount, amount_rounded, currency, event_count, shard_ranges,
    leftPad(lower(hex(events_digest)), 64, '0') AS events_digest, cut, catalog_seq, rating_rev, input, breakdown, line_hash, limits
FROM meterline.rated_lines FINAL;

-- @statement
ALTER TABLE finance.rated_lines MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
CREATE OR REPLACE VIEW finance.invoice_lines
(
    invoice_id String COMMENT 'invoice that the line belongs to',
    line_id String COMMENT '<invoice id>-<number of the line from 1>',
    line_number UInt32 COMMENT 'place on the invoice, from 1',
    description String COMMENT 'text of the line',
    quantity Decimal(76, 18) COMMENT 'metered quantity of the service period',
    amount Decimal(76, 4) COMMENT 'rounded to the minor unit of the currency; what the subtotal adds up',
    amount_exact Decimal(76, 24) COMMENT 'before rounding',
    currency String COMMENT 'ISO 4217 code',
    customer String COMMENT 'key of the customer',
    contract String COMMENT 'key of the contract',
    contract_version UInt32 COMMENT 'version of the contract that holds in the line''s period',
    contract_hash String COMMENT 'content hash of that version (SHA-256, hex)',
    price String COMMENT 'key of the price, or of the commitment whose shortfall the line is',
    meter String COMMENT 'key of the meter; empty for a flat price',
    filter Map(String, String) COMMENT 'dimension values the price is limited to',
    period_from DateTime('UTC') COMMENT 'start of the service period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    event_count UInt64 COMMENT 'events behind the quantity',
    shard_ranges Array(Tuple(shard UInt16, incarnation UInt64, first_seq UInt64, last_seq UInt64)) COMMENT 'per stream: first and last sequence of those events',
    events_digest String COMMENT 'sum modulo 2^256 of the events'' SHA-256 leaves, hex',
    cut UInt32 COMMENT 'the line counts what was known as of this cut',
    run_id String COMMENT 'rating run that the line comes from',
    rated_line_id String COMMENT 'line of that run in finance.rated_lines; empty for the shortfall of a commitment',
    rated_line_hash String COMMENT 'SHA-256 over the canonical JSON of the rated line, hex',
    rating_rev UInt16 COMMENT 'revision of the rating rules',
    line_hash String COMMENT 'leaf of the invoice''s Merkle tree, hex',
    status String COMMENT 'of the invoice: draft or finalized',
    number String COMMENT 'of the invoice; empty for a draft',
    adjustment Decimal(76, 4) COMMENT 'the line''s share of what discounts and maximums take off, below zero',
    net Decimal(76, 4) COMMENT 'before tax: amount and adjustment, without the taxes that they contain; an invoice''s net is the sum of its lines''',
    tax Decimal(76, 4) COMMENT 'the line''s share of the invoice''s taxes',
    compares Array(String) COMMENT 'of a shortfall: the lines whose sum falls short of the commitment',
    explanation Array(String) COMMENT 'of a shortfall: how it came about',
    limits String COMMENT 'further limits of the price as JSON: conditions on dimensions, minutes of the local week, offsets of the zone; empty without any'
) AS
SELECT l.invoice_id AS invoice_id, line_id, line_number, description, quantity, amount, amount_exact, l.currency AS currency, l.customer AS customer,
    l.contract AS contract, contract_version, contract_hash, price, meter, filter, l.period_from AS period_from, l.period_to AS period_to,
    event_count, shard_ranges, leftPad(lower(hex(events_digest)), 64, '0') AS events_digest, l.cut AS cut, l.run_id AS run_id, rated_line_id,
    rated_line_hash, rating_rev, line_hash, toString(i.status) AS status, i.number AS number, adjustment, net, tax,
    compares, explanation, limits
FROM meterline.invoice_lines AS l FINAL
INNER JOIN (SELECT invoice_id, revision, status, number FROM meterline.invoices FINAL) AS i
    ON i.invoice_id = l.invoice_id AND i.revision = l.revision;

-- @statement
ALTER TABLE finance.invoice_lines MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
-- Every event that falls into an invoice line's period, meter, filter and limits, as it was published or as an amend says: see 0008.
CREATE OR REPLACE VIEW meterline.invoice_line_candidates AS
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.status AS status, l.number AS number, l.period_from AS period_from,
    l.period_to AS period_to, l.cut AS line_cut, e.customer AS customer, e.meter AS meter, e.dimensions AS dimensions, e.source AS source,
    e.id AS id, e.event_time AS event_time, e.window_start AS window_start, e.quantity AS quantity, e.text AS text, e.body_hash AS body_hash,
    e.shard AS shard, e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.cut AS cut, '' AS amended_by,
    r.retracted_at AS retracted_at, r.retracted_by AS retracted_by, r.retraction_type AS retraction_type, r.retraction_seq AS retraction_seq
FROM meterline.usage_events AS e
INNER JOIN
(
    SELECT invoice_id, line_id, status, number, customer, meter, filter, limits, period_from, period_to, cut,
        arrayJoin(arrayMap(
            step -> toYYYYMM(addMonths(toStartOfMonth(period_from), step)),
            range(toUInt32(dateDiff('month', period_from, subtractSeconds(period_to, 1))) + 1))) AS month
    FROM finance.invoice_lines
    WHERE meter != ''
) AS l ON toYYYYMM(e.window_start) = l.month AND e.meter = l.meter AND e.customer = l.customer
LEFT JOIN
(
    SELECT meter, customer, window_start, shard, target_incarnation AS incarnation, target_seq AS seq, target_position AS position,
        min(cut) AS retracted_at, any(retracted_by) AS retracted_by, any(retraction_type) AS retraction_type, any(usage_retractions.seq) AS retraction_seq
    FROM meterline.usage_retractions
    GROUP BY meter, customer, window_start, shard, target_incarnation, target_seq, target_position
) AS r ON r.meter = e.meter AND r.customer = e.customer AND r.window_start = e.window_start AND r.shard = e.shard
    AND r.incarnation = e.incarnation AND r.seq = e.seq AND r.position = e.position
WHERE e.window_start >= l.period_from AND e.window_start < l.period_to
    AND arrayAll((name, value) -> e.dimensions[name] = value, mapKeys(l.filter), mapValues(l.filter))
    AND usage_dimensions_fit(l.limits, e.dimensions) AND usage_hours_fit(l.limits, e.window_start)
UNION ALL
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.status AS status, l.number AS number, l.period_from AS period_from,
    l.period_to AS period_to, l.cut AS line_cut, e.customer AS customer, e.meter AS meter, e.dimensions AS dimensions, e.source AS source,
    e.id AS id, e.event_time AS event_time, e.window_start AS window_start, e.quantity AS quantity, e.text AS text, e.body_hash AS body_hash,
    e.shard AS shard, e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.cut AS cut, e.amended_by AS amended_by,
    r.retracted_at AS retracted_at, r.retracted_by AS retracted_by, r.retraction_type AS retraction_type, r.retraction_seq AS retraction_seq
FROM meterline.usage_replacements AS e
INNER JOIN
(
    SELECT invoice_id, line_id, status, number, customer, meter, filter, limits, period_from, period_to, cut,
        arrayJoin(arrayMap(
            step -> toYYYYMM(addMonths(toStartOfMonth(period_from), step)),
            range(toUInt32(dateDiff('month', period_from, subtractSeconds(period_to, 1))) + 1))) AS month
    FROM finance.invoice_lines
    WHERE meter != ''
) AS l ON toYYYYMM(e.window_start) = l.month AND e.meter = l.meter AND e.customer = l.customer
LEFT JOIN
(
    SELECT meter, customer, window_start, shard, target_incarnation AS incarnation, target_seq AS seq, target_position AS position,
        min(cut) AS retracted_at, any(retracted_by) AS retracted_by, any(retraction_type) AS retraction_type, any(usage_retractions.seq) AS retraction_seq
    FROM meterline.usage_retractions
    GROUP BY meter, customer, window_start, shard, target_incarnation, target_seq, target_position
) AS r ON r.meter = e.meter AND r.customer = e.customer AND r.window_start = e.window_start AND r.shard = e.shard
    AND r.incarnation = e.incarnation AND r.seq = e.seq AND r.position = e.position
WHERE e.window_start >= l.period_from AND e.window_start < l.period_to
    AND arrayAll((name, value) -> e.dimensions[name] = value, mapKeys(l.filter), mapValues(l.filter))
    AND usage_dimensions_fit(l.limits, e.dimensions) AND usage_hours_fit(l.limits, e.window_start);

-- @statement
CREATE OR REPLACE VIEW finance.prices
(
    rate_card String COMMENT 'key of the rate card',
    version UInt32 COMMENT 'version of the rate card, from 1; a version never changes',
    currency String COMMENT 'ISO 4217 code',
    price String COMMENT 'key of the price in the rate card',
    meter String COMMENT 'key of the meter; empty for a flat price',
    filter Map(String, String) COMMENT 'dimension values the price is limited to',
    model String COMMENT 'price model',
    definition String COMMENT 'the price as JSON, amounts as decimal strings',
    journal_seq UInt64 COMMENT 'journal sequence of the version''s commit',
    conditions String COMMENT 'the price''s where as JSON, with in and not',
    hours String COMMENT 'the price''s when as JSON, in local time; empty: always'
) AS
SELECT key AS rate_card, version, JSONExtractString(card, 'currency') AS currency, JSONExtractString(item, 'key') AS price,
    JSONExtractString(item, 'meter') AS meter, CAST(arrayMap(member -> (member.1, JSONExtractString(concat('[', member.2, ']'), 1)),
        arrayFilter(member -> startsWith(member.2, '"'), JSONExtractKeysAndValuesRaw(item, 'where'))) AS Map(String, String)) AS filter,
    JSONExtractString(item, 'price', 'model') AS model, JSONExtractRaw(item, 'price') AS definition, journal_seq,
    JSONExtractRaw(item, 'where') AS conditions, JSONExtractRaw(item, 'when') AS hours
FROM (SELECT key, version, definition AS card, journal_seq FROM meterline.catalog_versions FINAL WHERE kind = 'rate_card')
ARRAY JOIN JSONExtractArrayRaw(card, 'prices') AS item;

-- @statement
ALTER TABLE finance.prices MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
