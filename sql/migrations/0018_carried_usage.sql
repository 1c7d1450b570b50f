-- Meters that look back beyond the period: recurring ones begin it with what all earlier events have come to, and unique_count over ever leaves out what
-- appeared before. No table of the chain is new, because the windows of earlier periods are there for ever. What is new is the lineage: a line of such
-- a meter rests on all events before its end, and the views that lead from a line to its events lead to those too.

-- Meters as the journal knows them. A definition never changes, so the latest version only tells whether the meter was removed.
CREATE OR REPLACE VIEW meterline.catalog_meters AS
SELECT
    key,
    JSONExtractString(definition, 'eventType') AS event_type,
    JSONExtractString(definition, 'aggregation') AS aggregation,
    JSONExtractString(definition, 'value') AS value,
    JSONExtract(definition, 'dimensions', 'Map(String, String)') AS dimensions,
    JSONExtractString(definition, 'whenMissing') AS when_missing,
    toUInt32(toDecimal64OrZero(JSONExtractString(definition, 'percentile'), 3) * 1000) AS percentile_thousandths,
    version, hash, journal_seq, removed,
    JSONExtractBool(definition, 'recurring') AS recurring,
    recurring OR JSONExtractString(definition, 'uniqueOver') = 'ever' AS counts_earlier
FROM meterline.catalog_versions FINAL
WHERE kind = 'meter'
ORDER BY key, version DESC
LIMIT 1 BY key;

-- @statement
-- Every event that falls into an invoice line's period, meter, filter and limits, as it was published or as an amend says: see 0008. Of a meter that looks back
-- also every one before the period, `carried`: then the line is spread over all months in which there is usage of such meters.
CREATE OR REPLACE VIEW meterline.invoice_line_candidates AS
WITH
    (SELECT groupArray(key) FROM meterline.catalog_meters WHERE counts_earlier) AS carrying,
    (
        SELECT groupUniqArray(toYYYYMM(window_start)) FROM
        (
            SELECT window_start FROM meterline.usage_windows WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE counts_earlier)
            UNION ALL
            SELECT window_start FROM meterline.usage_replacements WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE counts_earlier)
        )
    ) AS carried_months
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.status AS status, l.number AS number, l.period_from AS period_from,
    l.period_to AS period_to, l.cut AS line_cut, e.customer AS customer, e.meter AS meter, e.dimensions AS dimensions, e.source AS source,
    e.id AS id, e.event_time AS event_time, e.window_start AS window_start, e.quantity AS quantity, e.text AS text, e.body_hash AS body_hash,
    e.shard AS shard, e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.cut AS cut, '' AS amended_by,
    r.retracted_at AS retracted_at, r.retracted_by AS retracted_by, r.retraction_type AS retraction_type, r.retraction_seq AS retraction_seq,
    e.window_start < l.period_from AS carried
FROM meterline.usage_events AS e
INNER JOIN
(
    SELECT invoice_id, line_id, status, number, customer, meter, filter, limits, period_from, period_to, cut,
        if(has(carrying, meter), toDateTime(0, 'UTC'), period_from) AS counted_from,
        arrayJoin(if(has(carrying, meter), arrayFilter(used -> used <= toYYYYMM(subtractSeconds(period_to, 1)), carried_months), arrayMap(
            step -> toYYYYMM(addMonths(toStartOfMonth(period_from), step)),
            range(toUInt32(dateDiff('month', period_from, subtractSeconds(period_to, 1))) + 1)))) AS month
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
WHERE e.window_start >= l.counted_from AND e.window_start < l.period_to
    AND arrayAll((name, value) -> e.dimensions[name] = value, mapKeys(l.filter), mapValues(l.filter))
    AND usage_dimensions_fit(l.limits, e.dimensions) AND usage_hours_fit(l.limits, e.window_start)
UNION ALL
SELECT l.invoice_id AS invoice_id, l.line_id AS line_id, l.status AS status, l.number AS number, l.period_from AS period_from,
    l.period_to AS period_to, l.cut AS line_cut, e.customer AS customer, e.meter AS meter, e.dimensions AS dimensions, e.source AS source,
    e.id AS id, e.event_time AS event_time, e.window_start AS window_start, e.quantity AS quantity, e.text AS text, e.body_hash AS body_hash,
    e.shard AS shard, e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.cut AS cut, e.amended_by AS amended_by,
    r.retracted_at AS retracted_at, r.retracted_by AS retracted_by, r.retraction_type AS retraction_type, r.retraction_seq AS retraction_seq,
    e.window_start < l.period_from AS carried
FROM meterline.usage_replacements AS e
INNER JOIN
(
    SELECT invoice_id, line_id, status, number, customer, meter, filter, limits, period_from, period_to, cut,
        if(has(carrying, meter), toDateTime(0, 'UTC'), period_from) AS counted_from,
        arrayJoin(if(has(carrying, meter), arrayFilter(used -> used <= toYYYYMM(subtractSeconds(period_to, 1)), carried_months), arrayMap(
            step -> toYYYYMM(addMonths(toStartOfMonth(period_from), step)),
            range(toUInt32(dateDiff('month', period_from, subtractSeconds(period_to, 1))) + 1)))) AS month
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
WHERE e.window_start >= l.counted_from AND e.window_start < l.period_to
    AND arrayAll((name, value) -> e.dimensions[name] = value, mapKeys(l.filter), mapValues(l.filter))
    AND usage_dimensions_fit(l.limits, e.dimensions) AND usage_hours_fit(l.limits, e.window_start);

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
    amended_by String COMMENT 'id of the amend that says the value; empty when the event counts as it was published',
    carried Bool COMMENT 'it lies before the line''s period, and is a part of what the period begins with (see the meter''s recurring and uniqueOver)'
) AS
SELECT invoice_id, line_id, source, id, event_time, quantity AS value, if(text = '', toString(quantity), text) AS value_text,
    customer, meter, dimensions, window_start, body_hash, shard, incarnation, seq, position, cut, amended_by, CAST(carried AS Bool) AS carried
FROM meterline.invoice_line_candidates
WHERE cut <= line_cut AND (retracted_at = 0 OR retracted_at > line_cut);

-- @statement
CREATE OR REPLACE VIEW finance.line_retractions
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
    cut UInt32 COMMENT 'cut in which it was stored',
    carried Bool COMMENT 'it lies before the line''s period, and is a part of what the period begins with (see the meter''s recurring and uniqueOver)'
) AS
SELECT invoice_id, line_id, source, id, event_time, quantity AS value, if(text = '', toString(quantity), text) AS value_text,
    customer, meter, dimensions, window_start, retraction_type AS kind, retracted_by, retraction_seq, retracted_at AS retraction_cut,
    shard, incarnation, seq, position, cut, CAST(carried AS Bool) AS carried
FROM meterline.invoice_line_candidates
WHERE cut <= line_cut AND retracted_at != 0 AND retracted_at <= line_cut;

-- @statement
CREATE OR REPLACE VIEW finance.late_usage
(
    invoice_id String COMMENT 'finalized invoice that lacks the event, or counted what was taken back: that of its period and, of a meter that carries on, those of later periods',
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
    decided_by String COMMENT 'id of the void or amend; empty for usage',
    carried Bool COMMENT 'it lies before the line''s period, and is a part of what the period begins with (see the meter''s recurring and uniqueOver)'
) AS
SELECT invoice_id, number, line_id, source, id, event_time, if(e.cut > line_cut, quantity, -quantity) AS value,
    if(text = '', toString(value), text) AS value_text, customer, meter, dimensions, window_start, shard, incarnation, seq, position,
    if(e.cut > line_cut, e.cut, retracted_at) AS cut, line_cut AS invoice_cut,
    multiIf(e.cut <= line_cut, 'retracted', amended_by != '', 'amended', 'usage') AS kind,
    if(e.cut <= line_cut, retracted_by, amended_by) AS decided_by, CAST(carried AS Bool) AS carried
FROM meterline.invoice_line_candidates AS e
WHERE status = 'finalized' AND ((e.cut > line_cut AND retracted_at = 0) OR (e.cut <= line_cut AND retracted_at > line_cut));

-- @statement
-- The level is the sum of all changes up to a window, so each row holds until the next one. The mean level over a quarter hour has, as in finance.usage, its
-- integral rounded half up at 18 places.
CREATE OR REPLACE VIEW finance.levels
(
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of a recurring meter of sum or time_weighted_sum',
    aggregation String COMMENT 'sum or time_weighted_sum',
    dimensions Map(String, String) COMMENT 'the meter''s dimensions and their values; a missing value is empty',
    window_start DateTime('UTC') COMMENT 'start of a 15 minute base window, by event time, in which there were events',
    window_end DateTime('UTC') COMMENT 'its end, not part of it',
    level_before Decimal(76, 18) COMMENT 'what all events before the window add up to',
    level_after Decimal(76, 18) COMMENT 'the same with the events of the window: the level from its end on',
    level_until Nullable(DateTime('UTC')) COMMENT 'start of the next window with events, until which level_after holds; null: still',
    mean_level Nullable(Decimal(76, 18)) COMMENT 'of time_weighted_sum: mean level over the window; null for sum',
    event_count UInt64 COMMENT 'events of the window'
) AS
SELECT customer, meter, aggregation, dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC') AS window_end,
    level_after - change AS level_before, level_after, level_until,
    toDecimal256(sign(scaled) * intDiv(2 * abs(scaled) + toInt256(900000000000), toInt256(1800000000000)), 0)
        * toDecimal256('0.000000000000000001', 18) AS mean_level,
    event_count
FROM
(
    SELECT *, sum(change) OVER (PARTITION BY customer, meter, dimensions ORDER BY window_start) AS level_after,
        leadInFrame(toNullable(window_start)) OVER (PARTITION BY customer, meter, dimensions ORDER BY window_start
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS level_until,
        toInt256((level_after * toInt256(900000000000) - moment) * toInt256('1000000000000000000')) AS scaled
    FROM
    (
        SELECT customer, meter, 'time_weighted_sum' AS aggregation, dimensions, window_start, sum(delta_sum) AS change,
            toNullable(sum(delta_moment)) AS moment, sum(usage_window_levels_as_of.event_count) AS event_count
        FROM meterline.usage_window_levels_as_of(cut = 4294967295)
        WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE recurring AND aggregation = 'time_weighted_sum')
        GROUP BY customer, meter, dimensions, window_start
        UNION ALL
        SELECT customer, meter, 'sum' AS aggregation, dimensions, window_start, sum(quantity_sum) AS change,
            CAST(NULL AS Nullable(Decimal(76, 18))) AS moment, sum(usage_windows_as_of.event_count) AS event_count
        FROM meterline.usage_windows_as_of(cut = 4294967295)
        WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE recurring AND aggregation = 'sum')
        GROUP BY customer, meter, dimensions, window_start
    )
);

-- @statement
ALTER TABLE finance.line_events MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.line_retractions MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.late_usage MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.levels MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
