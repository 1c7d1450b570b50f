-- What finance, auditors and dashboards query: views only, every column with its meaning. A view here never changes what it says;
-- a new meaning is a new view. Quantities are Decimal(76, 18), amounts Decimal(76, 24) exact and Decimal(76, 4) rounded.
-- "Now" in these views is the greatest cut there is (4294967295): all that has arrived. Invoice lines keep the cut they were rated as of.

CREATE DATABASE IF NOT EXISTS finance ENGINE = Atomic COMMENT 'Views for finance; see the comments of their columns';

-- @statement
-- One branch per aggregation, so that each reads only the window table it needs and filters reach that table's key.
-- The mean level is a division: integers of 18 places, rounded half up (away from zero), because Decimal division cuts.
CREATE VIEW IF NOT EXISTS finance.usage
(
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of the meter',
    aggregation String COMMENT 'count, sum, min, max, latest, unique_count or time_weighted_sum',
    dimensions Map(String, String) COMMENT 'the meter''s dimensions and their values; a missing value is empty',
    window_start DateTime('UTC') COMMENT 'start of the 15 minute base window, by event time',
    window_end DateTime('UTC') COMMENT 'its end, not part of it',
    quantity Decimal(76, 18) COMMENT 'what the meter measured in this window. Sums and counts add up over windows; unique_count counts the values of this window alone; time_weighted_sum is the mean level over the window from the changes inside it, the level being 0 at its start',
    event_count UInt64 COMMENT 'events behind the quantity'
) AS
SELECT customer, meter, 'sum' AS aggregation, dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC') AS window_end,
    sum(quantity_sum) AS quantity, sum(event_count) AS event_count
FROM meterline.usage_windows_as_of(cut = 4294967295)
WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'sum')
GROUP BY customer, meter, dimensions, window_start
UNION ALL
SELECT customer, meter, 'count', dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC'),
    sum(quantity_sum), sum(event_count)
FROM meterline.usage_windows_as_of(cut = 4294967295)
WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'count')
GROUP BY customer, meter, dimensions, window_start
UNION ALL
SELECT customer, meter, 'min', dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC'),
    toDecimal256(min(minimum), 18), sum(event_count)
FROM meterline.usage_window_extremes_as_of(cut = 4294967295)
WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'min')
GROUP BY customer, meter, dimensions, window_start
UNION ALL
SELECT customer, meter, 'max', dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC'),
    toDecimal256(max(maximum), 18), sum(event_count)
FROM meterline.usage_window_extremes_as_of(cut = 4294967295)
WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'max')
GROUP BY customer, meter, dimensions, window_start
UNION ALL
SELECT customer, meter, 'latest', dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC'),
    toDecimal256(tupleElement(max(latest), 4), 18), sum(event_count)
FROM meterline.usage_window_latest_as_of(cut = 4294967295)
GROUP BY customer, meter, dimensions, window_start
UNION ALL
SELECT customer, meter, 'unique_count', dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC'),
    toDecimal256(uniqExact(text), 18), count()
FROM meterline.usage_events_as_of(cut = 4294967295)
WHERE aggregation = 'unique_count'
GROUP BY customer, meter, dimensions, window_start
UNION ALL
SELECT customer, meter, 'time_weighted_sum', dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC'),
    toDecimal256(
        sign(scaled) * intDiv(2 * abs(scaled) + toInt256(900000000000), toInt256(1800000000000)), 0)
        * toDecimal256('0.000000000000000001', 18),
    events
FROM
(
    SELECT customer, meter, dimensions, window_start, sum(event_count) AS events,
        toInt256((sum(delta_sum) * toInt256(900000000000) - sum(delta_moment)) * toInt256('1000000000000000000')) AS scaled
    FROM meterline.usage_window_levels_as_of(cut = 4294967295)
    GROUP BY customer, meter, dimensions, window_start
);

-- @statement
CREATE VIEW IF NOT EXISTS finance.rated_lines
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
    line_hash String COMMENT 'SHA-256 over the canonical JSON of the line, hex'
) AS
SELECT run_id, line_id, customer, contract, contract_version, contract_hash, rate_card, rate_card_version, price, meter, aggregation, filter,
    description, billing_from, billing_to, period_from, period_to, quantity, amount, amount_rounded, currency, event_count, shard_ranges,
    leftPad(lower(hex(events_digest)), 64, '0') AS events_digest, cut, catalog_seq, rating_rev, input, breakdown, line_hash
FROM meterline.rated_lines FINAL;

-- @statement
CREATE VIEW IF NOT EXISTS finance.invoices
(
    invoice_id String COMMENT 'follows from contract and billing period',
    number String COMMENT 'position in its series, without gaps: INV-000042; empty for a draft',
    status String COMMENT 'draft (can change) or finalized (never changes)',
    customer String COMMENT 'key of the customer',
    contract String COMMENT 'key of the contract',
    currency String COMMENT 'ISO 4217 code',
    subtotal Decimal(76, 4) COMMENT 'sum of the lines'' rounded amounts',
    tax Decimal(76, 4) COMMENT 'tax on the subtotal',
    total Decimal(76, 4) COMMENT 'subtotal plus tax',
    period_from DateTime('UTC') COMMENT 'start of the billing period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    finalized_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was finalized; null for a draft',
    merkle_root String COMMENT 'root over the lines, hex; of a finalized invoice it stands in the journal',
    run_id String COMMENT 'rating run that its lines come from',
    cut UInt32 COMMENT 'the invoice counts what was known as of this cut',
    series String COMMENT 'number series; empty for a draft',
    journal_seq Nullable(UInt64) COMMENT 'journal sequence of the finalization; null for a draft'
) AS
SELECT invoice_id, number, toString(status) AS status, customer, contract, currency, subtotal, tax, total, period_from, period_to,
    nullIf(finalized_at, toDateTime64(0, 3, 'UTC')) AS finalized_at, merkle_root, run_id, cut, series, nullIf(journal_seq, 0) AS journal_seq
FROM meterline.invoices FINAL;

-- @statement
CREATE VIEW IF NOT EXISTS finance.invoice_lines
(
    invoice_id String COMMENT 'invoice that the line belongs to',
    line_id String COMMENT '<invoice id>-<number of the line from 1>',
    line_number UInt32 COMMENT 'place on the invoice, from 1',
    description String COMMENT 'text of the line',
    quantity Decimal(76, 18) COMMENT 'metered quantity of the service period',
    amount Decimal(76, 4) COMMENT 'rounded to the minor unit of the currency; what the invoice adds up',
    amount_exact Decimal(76, 24) COMMENT 'before rounding',
    currency String COMMENT 'ISO 4217 code',
    customer String COMMENT 'key of the customer',
    contract String COMMENT 'key of the contract',
    contract_version UInt32 COMMENT 'version of the contract that holds in the line''s period',
    contract_hash String COMMENT 'content hash of that version (SHA-256, hex)',
    price String COMMENT 'key of the price in the rate card',
    meter String COMMENT 'key of the meter; empty for a flat price',
    filter Map(String, String) COMMENT 'dimension values the price is limited to',
    period_from DateTime('UTC') COMMENT 'start of the service period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    event_count UInt64 COMMENT 'events behind the quantity',
    shard_ranges Array(Tuple(shard UInt16, incarnation UInt64, first_seq UInt64, last_seq UInt64)) COMMENT 'per stream: first and last sequence of those events',
    events_digest String COMMENT 'sum modulo 2^256 of the events'' SHA-256 leaves, hex',
    cut UInt32 COMMENT 'the line counts what was known as of this cut',
    run_id String COMMENT 'rating run that the line comes from',
    rated_line_id String COMMENT 'line of that run in finance.rated_lines',
    rated_line_hash String COMMENT 'SHA-256 over the canonical JSON of the rated line, hex',
    rating_rev UInt16 COMMENT 'revision of the rating rules',
    line_hash String COMMENT 'leaf of the invoice''s Merkle tree, hex',
    status String COMMENT 'of the invoice: draft or finalized',
    number String COMMENT 'of the invoice; empty for a draft'
) AS
SELECT l.invoice_id AS invoice_id, line_id, line_number, description, quantity, amount, amount_exact, l.currency AS currency, l.customer AS customer,
    l.contract AS contract, contract_version, contract_hash, price, meter, filter, l.period_from AS period_from, l.period_to AS period_to,
    event_count, shard_ranges, leftPad(lower(hex(events_digest)), 64, '0') AS events_digest, l.cut AS cut, l.run_id AS run_id, rated_line_id,
    rated_line_hash, rating_rev, line_hash, toString(i.status) AS status, i.number AS number
FROM meterline.invoice_lines AS l FINAL
INNER JOIN (SELECT invoice_id, revision, status, number FROM meterline.invoices FINAL) AS i
    ON i.invoice_id = l.invoice_id AND i.revision = l.revision;

-- @statement
-- Every event that falls into an invoice line's period, meter and filter, whenever it arrived. The line's months are spread out, so that
-- month, meter and customer are equalities, for which the join makes filters while it runs. Asked for one line of 2.1 million rows it reads
-- meter and customer of all (130 ms, measured); with enable_join_runtime_filters_index_analysis = 1 in the profile or the query it prunes by
-- the key of usage_events (53,000 rows, 46 ms). The setting has no effect inside a view.
-- A retraction takes effect at its first cut; cuts begin at 1, so 0 means: never retracted.
CREATE VIEW IF NOT EXISTS meterline.invoice_line_candidates AS
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.status AS status, l.number AS number, l.period_from AS period_from,
    l.period_to AS period_to, l.cut AS line_cut, e.customer AS customer, e.meter AS meter, e.dimensions AS dimensions, e.source AS source,
    e.id AS id, e.event_time AS event_time, e.window_start AS window_start, e.quantity AS quantity, e.text AS text, e.body_hash AS body_hash,
    e.shard AS shard, e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.cut AS cut, r.retracted_at AS retracted_at
FROM meterline.usage_events AS e
INNER JOIN
(
    SELECT invoice_id, line_id, status, number, customer, meter, filter, period_from, period_to, cut,
        arrayJoin(arrayMap(
            step -> toYYYYMM(addMonths(toStartOfMonth(period_from), step)),
            range(toUInt32(dateDiff('month', period_from, subtractSeconds(period_to, 1))) + 1))) AS month
    FROM finance.invoice_lines
    WHERE meter != ''
) AS l ON toYYYYMM(e.window_start) = l.month AND e.meter = l.meter AND e.customer = l.customer
LEFT JOIN
(
    SELECT meter, customer, window_start, source, id, min(cut) AS retracted_at
    FROM meterline.usage_retractions
    GROUP BY meter, customer, window_start, source, id
) AS r ON r.meter = e.meter AND r.customer = e.customer AND r.window_start = e.window_start AND r.source = e.source AND r.id = e.id
WHERE e.window_start >= l.period_from AND e.window_start < l.period_to
    AND arrayAll((name, value) -> e.dimensions[name] = value, mapKeys(l.filter), mapValues(l.filter));

-- @statement
CREATE VIEW IF NOT EXISTS finance.line_events
(
    invoice_id String COMMENT 'invoice of the line',
    line_id String COMMENT 'invoice line that counts the event',
    source String COMMENT 'source of the event; with id its identity',
    id String COMMENT 'id of the event',
    event_time DateTime64(9, 'UTC') COMMENT 'time of the event',
    value Decimal(38, 18) COMMENT 'what the event adds to the meter: 1 for count, 0 for unique_count',
    value_text String COMMENT 'the same as text; for unique_count the value itself',
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of the meter',
    dimensions Map(String, String) COMMENT 'dimensions of the event',
    window_start DateTime('UTC') COMMENT 'base window that holds the event',
    body_hash UInt128 COMMENT 'hash over type, customer and data',
    shard UInt16 COMMENT 'number of the stream',
    incarnation UInt64 COMMENT 'creation time of the stream in nanoseconds',
    seq UInt64 COMMENT 'sequence of its message in the stream',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it was stored'
) AS
SELECT invoice_id, line_id, source, id, event_time, quantity AS value, if(text = '', toString(quantity), text) AS value_text,
    customer, meter, dimensions, window_start, body_hash, shard, incarnation, seq, position, cut
FROM meterline.invoice_line_candidates
WHERE cut <= line_cut AND (retracted_at = 0 OR retracted_at > line_cut);

-- @statement
CREATE VIEW IF NOT EXISTS finance.late_usage
(
    invoice_id String COMMENT 'finalized invoice whose period the event belongs to',
    number String COMMENT 'number of that invoice',
    line_id String COMMENT 'line that would have counted the event',
    source String COMMENT 'source of the event; with id its identity',
    id String COMMENT 'id of the event',
    event_time DateTime64(9, 'UTC') COMMENT 'time of the event',
    value Decimal(38, 18) COMMENT 'what the event adds to the meter: 1 for count, 0 for unique_count',
    value_text String COMMENT 'the same as text; for unique_count the value itself',
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of the meter',
    dimensions Map(String, String) COMMENT 'dimensions of the event',
    window_start DateTime('UTC') COMMENT 'base window that holds the event',
    shard UInt16 COMMENT 'number of the stream',
    incarnation UInt64 COMMENT 'creation time of the stream in nanoseconds',
    seq UInt64 COMMENT 'sequence of its message in the stream',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it was stored, later than the invoice''s',
    invoice_cut UInt32 COMMENT 'cut of the invoice line'
) AS
SELECT invoice_id, number, line_id, source, id, event_time, quantity AS value, if(text = '', toString(quantity), text) AS value_text,
    customer, meter, dimensions, window_start, shard, incarnation, seq, position, cut, line_cut AS invoice_cut
FROM meterline.invoice_line_candidates
WHERE cut > line_cut AND status = 'finalized' AND retracted_at = 0;

-- @statement
CREATE VIEW IF NOT EXISTS finance.event_verdicts
(
    source String COMMENT 'source of the event; with id its identity',
    id String COMMENT 'id of the event; empty when it could not be read',
    customer String COMMENT 'key of the customer; the event''s subject when no customer has it',
    type String COMMENT 'type of the event',
    verdict String COMMENT 'accepted, duplicate (same again), conflict (same identity, other content) or rejected; only accepted is billed',
    reason String COMMENT 'why, as a stable code; unmetered for an accepted event that no meter uses',
    detail String COMMENT 'what was wrong where',
    event_time DateTime64(9, 'UTC') COMMENT 'time of the event, or of its arrival when it has none',
    ingested_at DateTime64(9, 'UTC') COMMENT 'when the stream took its message',
    stored_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when its batch was committed; null while that is going on',
    subject String COMMENT 'subject it was published to',
    shard UInt16 COMMENT 'number of the stream',
    incarnation UInt64 COMMENT 'creation time of the stream in nanoseconds',
    seq UInt64 COMMENT 'sequence of its message in the stream',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it was stored'
) AS
SELECT e.source AS source, e.id AS id, e.customer AS customer, e.type AS type, toString(e.verdict) AS verdict, e.reason AS reason,
    e.detail AS detail, e.event_time AS event_time, e.ingested_at AS ingested_at,
    nullIf(b.stored_at, toDateTime64(0, 3, 'UTC')) AS stored_at, e.subject AS subject, e.shard AS shard, e.incarnation AS incarnation,
    e.seq AS seq, e.position AS position, e.cut AS cut
FROM meterline.usage_events_raw AS e
ANY LEFT JOIN meterline.sink_batches AS b ON b.shard = e.shard AND b.incarnation = e.incarnation AND b.first = e.batch_first;

-- @statement
CREATE VIEW IF NOT EXISTS finance.contracts
(
    contract String COMMENT 'key of the contract',
    version UInt32 COMMENT 'version of the contract, from 1; a version never changes',
    hash String COMMENT 'content hash of the version (SHA-256, hex)',
    customer String COMMENT 'key of the customer',
    currency String COMMENT 'ISO 4217 code',
    time_zone String COMMENT 'IANA zone of the billing periods',
    rate_card String COMMENT 'key of the rate card',
    rate_card_version UInt32 COMMENT 'version of the rate card that this version pins',
    effective_from String COMMENT 'when this version begins to hold (RFC 3339)',
    contract_from String COMMENT 'when the contract begins (RFC 3339)',
    contract_to String COMMENT 'when the contract ends (RFC 3339); empty without an end',
    removed Bool COMMENT 'the entity was taken out of the catalog by this version',
    journal_seq UInt64 COMMENT 'journal sequence of its commit'
) AS
SELECT key AS contract, version, hash, JSONExtractString(definition, 'customer') AS customer, JSONExtractString(definition, 'currency') AS currency,
    JSONExtractString(definition, 'timeZone') AS time_zone, JSONExtractString(definition, 'rateCard') AS rate_card,
    JSONExtractUInt(definition, 'rateCardVersion') AS rate_card_version, JSONExtractString(definition, 'effectiveFrom') AS effective_from,
    JSONExtractString(definition, 'effective', 'from') AS contract_from, JSONExtractString(definition, 'effective', 'to') AS contract_to,
    removed, journal_seq
FROM meterline.catalog_versions FINAL
WHERE kind = 'contract';

-- @statement
CREATE VIEW IF NOT EXISTS finance.prices
(
    rate_card String COMMENT 'key of the rate card',
    version UInt32 COMMENT 'version of the rate card, from 1; a version never changes',
    currency String COMMENT 'ISO 4217 code',
    price String COMMENT 'key of the price in the rate card',
    meter String COMMENT 'key of the meter; empty for a flat price',
    filter Map(String, String) COMMENT 'dimension values the price is limited to',
    model String COMMENT 'price model',
    definition String COMMENT 'the price as JSON, amounts as decimal strings',
    journal_seq UInt64 COMMENT 'journal sequence of the version''s commit'
) AS
SELECT key AS rate_card, version, JSONExtractString(card, 'currency') AS currency, JSONExtractString(item, 'key') AS price,
    JSONExtractString(item, 'meter') AS meter, JSONExtract(item, 'where', 'Map(String, String)') AS filter,
    JSONExtractString(item, 'price', 'model') AS model, JSONExtractRaw(item, 'price') AS definition, journal_seq
FROM (SELECT key, version, definition AS card, journal_seq FROM meterline.catalog_versions FINAL WHERE kind = 'rate_card')
ARRAY JOIN JSONExtractArrayRaw(card, 'prices') AS item;
