-- What finance sees of voids and amends. The views keep their columns and get further ones behind them.
-- A finalized line is never changed: what was taken back after it is late usage with a negative value, and what an amend put in its place is
-- late usage like any other, so that the sum of the values is what the invoice lacks.

-- Every event that falls into an invoice line's period, meter and filter, as it was published or as an amend says, whenever it arrived.
-- retracted_at is the first cut that counts it no longer; cuts begin at 1, so 0 means: never. The two branches are joined one by one, because the
-- filters that the join makes while it runs do not reach through a union.
CREATE OR REPLACE VIEW meterline.invoice_line_candidates AS
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.status AS status, l.number AS number, l.period_from AS period_from,
    l.period_to AS period_to, l.cut AS line_cut, e.customer AS customer, e.meter AS meter, e.dimensions AS dimensions, e.source AS source,
    e.id AS id, e.event_time AS event_time, e.window_start AS window_start, e.quantity AS quantity, e.text AS text, e.body_hash AS body_hash,
    e.shard AS shard, e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.cut AS cut, '' AS amended_by,
    r.retracted_at AS retracted_at, r.retracted_by AS retracted_by, r.retraction_type AS retraction_type, r.retraction_seq AS retraction_seq
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
    SELECT meter, customer, window_start, shard, target_incarnation AS incarnation, target_seq AS seq, target_position AS position,
        min(cut) AS retracted_at, any(retracted_by) AS retracted_by, any(retraction_type) AS retraction_type, any(usage_retractions.seq) AS retraction_seq
    FROM meterline.usage_retractions
    GROUP BY meter, customer, window_start, shard, target_incarnation, target_seq, target_position
) AS r ON r.meter = e.meter AND r.customer = e.customer AND r.window_start = e.window_start AND r.shard = e.shard
    AND r.incarnation = e.incarnation AND r.seq = e.seq AND r.position = e.position
WHERE e.window_start >= l.period_from AND e.window_start < l.period_to
    AND arrayAll((name, value) -> e.dimensions[name] = value, mapKeys(l.filter), mapValues(l.filter))
UNION ALL
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.status AS status, l.number AS number, l.period_from AS period_from,
    l.period_to AS period_to, l.cut AS line_cut, e.customer AS customer, e.meter AS meter, e.dimensions AS dimensions, e.source AS source,
    e.id AS id, e.event_time AS event_time, e.window_start AS window_start, e.quantity AS quantity, e.text AS text, e.body_hash AS body_hash,
    e.shard AS shard, e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.cut AS cut, e.amended_by AS amended_by,
    r.retracted_at AS retracted_at, r.retracted_by AS retracted_by, r.retraction_type AS retraction_type, r.retraction_seq AS retraction_seq
FROM meterline.usage_replacements AS e
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
    SELECT meter, customer, window_start, shard, target_incarnation AS incarnation, target_seq AS seq, target_position AS position,
        min(cut) AS retracted_at, any(retracted_by) AS retracted_by, any(retraction_type) AS retraction_type, any(usage_retractions.seq) AS retraction_seq
    FROM meterline.usage_retractions
    GROUP BY meter, customer, window_start, shard, target_incarnation, target_seq, target_position
) AS r ON r.meter = e.meter AND r.customer = e.customer AND r.window_start = e.window_start AND r.shard = e.shard
    AND r.incarnation = e.incarnation AND r.seq = e.seq AND r.position = e.position
WHERE e.window_start >= l.period_from AND e.window_start < l.period_to
    AND arrayAll((name, value) -> e.dimensions[name] = value, mapKeys(l.filter), mapValues(l.filter));

-- @statement
CREATE OR REPLACE VIEW finance.line_events
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
    seq UInt64 COMMENT 'sequence in the stream of the message that says the value: the event''s, or that of the amend',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it was stored',
    amended_by String COMMENT 'id of the amend that says the value; empty when the event counts as it was published'
) AS
SELECT invoice_id, line_id, source, id, event_time, quantity AS value, if(text = '', toString(quantity), text) AS value_text,
    customer, meter, dimensions, window_start, body_hash, shard, incarnation, seq, position, cut, amended_by
FROM meterline.invoice_line_candidates
WHERE cut <= line_cut AND (retracted_at = 0 OR retracted_at > line_cut);

-- @statement
CREATE VIEW IF NOT EXISTS finance.line_retractions
(
    invoice_id String COMMENT 'invoice of the line',
    line_id String COMMENT 'invoice line that would count the event',
    source String COMMENT 'source of the event; with id its identity',
    id String COMMENT 'id of the event that was taken back',
    event_time DateTime64(9, 'UTC') COMMENT 'time of the event',
    value Decimal(38, 18) COMMENT 'what the event would add to the meter: 1 for count, 0 for unique_count',
    value_text String COMMENT 'the same as text; for unique_count the value itself',
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of the meter',
    dimensions Map(String, String) COMMENT 'dimensions of the event',
    window_start DateTime('UTC') COMMENT 'base window that holds the event',
    kind String COMMENT 'meterline.void or meterline.amend',
    retracted_by String COMMENT 'id of the void or amend, of the same source',
    retraction_seq UInt64 COMMENT 'sequence of its message in the stream',
    retraction_cut UInt32 COMMENT 'cut in which it was stored, not later than the line''s',
    shard UInt16 COMMENT 'number of the stream',
    incarnation UInt64 COMMENT 'creation time of the stream in nanoseconds',
    seq UInt64 COMMENT 'sequence in the stream of the message that said the value',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it was stored'
) AS
SELECT invoice_id, line_id, source, id, event_time, quantity AS value, if(text = '', toString(quantity), text) AS value_text,
    customer, meter, dimensions, window_start, retraction_type AS kind, retracted_by, retraction_seq, retracted_at AS retraction_cut,
    shard, incarnation, seq, position, cut
FROM meterline.invoice_line_candidates
WHERE cut <= line_cut AND retracted_at != 0 AND retracted_at <= line_cut;

-- @statement
CREATE OR REPLACE VIEW finance.late_usage
(
    invoice_id String COMMENT 'finalized invoice whose period the event belongs to',
    number String COMMENT 'number of that invoice',
    line_id String COMMENT 'line that would have counted the event, or that counted what was taken back',
    source String COMMENT 'source of the event; with id its identity',
    id String COMMENT 'id of the event',
    event_time DateTime64(9, 'UTC') COMMENT 'time of the event',
    value Decimal(38, 18) COMMENT 'what the event adds to the meter: 1 for count, 0 for unique_count; negative where it was counted and taken back',
    value_text String COMMENT 'the same as text; for unique_count the value itself',
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of the meter',
    dimensions Map(String, String) COMMENT 'dimensions of the event',
    window_start DateTime('UTC') COMMENT 'base window that holds the event',
    shard UInt16 COMMENT 'number of the stream',
    incarnation UInt64 COMMENT 'creation time of the stream in nanoseconds',
    seq UInt64 COMMENT 'sequence of its message in the stream',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it, or what takes it back, was stored: later than the invoice''s',
    invoice_cut UInt32 COMMENT 'cut of the invoice line',
    kind String COMMENT 'usage (it came late), amended (as a late amend says) or retracted (it was counted, and taken back later)',
    decided_by String COMMENT 'id of the void or amend; empty for usage'
) AS
SELECT invoice_id, number, line_id, source, id, event_time, if(e.cut > line_cut, quantity, -quantity) AS value,
    if(text = '', toString(value), text) AS value_text, customer, meter, dimensions, window_start, shard, incarnation, seq, position,
    if(e.cut > line_cut, e.cut, retracted_at) AS cut, line_cut AS invoice_cut,
    multiIf(e.cut <= line_cut, 'retracted', amended_by != '', 'amended', 'usage') AS kind,
    if(e.cut <= line_cut, retracted_by, amended_by) AS decided_by
FROM meterline.invoice_line_candidates AS e
WHERE status = 'finalized' AND ((e.cut > line_cut AND retracted_at = 0) OR (e.cut <= line_cut AND retracted_at > line_cut));

-- @statement
CREATE VIEW IF NOT EXISTS finance.retractions
(
    source String COMMENT 'source of both events',
    id String COMMENT 'id of the void or amend; with source its identity',
    kind String COMMENT 'meterline.void or meterline.amend',
    target_id String COMMENT 'id of the event that it takes back or replaces',
    in_force Bool COMMENT 'it is the last one of its event, so it decides',
    customer String COMMENT 'key of the amended event''s customer; empty for a void',
    event_time Nullable(DateTime64(9, 'UTC')) COMMENT 'time of the amended event; null for a void',
    meters Array(String) COMMENT 'keys of the meters that the amended event feeds; empty for a void',
    retracted_meters Array(String) COMMENT 'keys of the meters in which it made something count no longer',
    shard UInt16 COMMENT 'number of the stream',
    incarnation UInt64 COMMENT 'creation time of the stream in nanoseconds',
    seq UInt64 COMMENT 'sequence of its message in the stream',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it was stored'
) AS
SELECT source, id, type AS kind, target_id,
    CAST((incarnation, seq, position) = max((incarnation, seq, position)) OVER (PARTITION BY target_key) AS Bool) AS in_force,
    customer, if(type = 'meterline.void', NULL, event_time) AS event_time, uses.meter AS meters, retracts.meter AS retracted_meters,
    shard, incarnation, seq, position, cut
FROM meterline.event_retractions;

-- @statement
ALTER TABLE finance.line_events MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.late_usage MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.line_retractions MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.retractions MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
