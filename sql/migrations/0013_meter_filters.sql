-- Meters that measure averages and percentiles, and those that measure some events of their type only.
-- No table of the chain is new: an average is a sum and a count, which usage_windows has for every meter, and a percentile is exact from the single
-- events alone. What a filter leaves out never reaches usage_events.

-- The text of a scalar's JSON, as usage_text_at gives it: strings without quotes, numbers as written; null and nothing are empty.
CREATE FUNCTION IF NOT EXISTS usage_text_of AS (node) ->
    if(startsWith(node, '"'), JSONExtractString(concat('[', node, ']'), 1), if(node = 'null', '', node));

-- @statement
-- A meter's `where` as (pointer, in, whether there is an in, not, exists (-1: not asked), gt, gte, lt, lte), for `meterline verify`.
CREATE FUNCTION IF NOT EXISTS usage_conditions AS (definition) ->
    arrayMap(member -> (
        member.1,
        JSONExtract(member.2, 'in', 'Array(String)'), JSONHas(member.2, 'in'),
        JSONExtract(member.2, 'not', 'Array(String)'),
        if(JSONHas(member.2, 'exists'), toInt8(JSONExtractBool(member.2, 'exists')), toInt8(-1)),
        JSONExtractString(member.2, 'gt'), JSONExtractString(member.2, 'gte'), JSONExtractString(member.2, 'lt'), JSONExtractString(member.2, 'lte')),
        JSONExtractKeysAndValuesRaw(definition, 'where'));

-- @statement
-- Whether the JSON at a condition's pointer fits it. Sizes are compared as Decimal(76, 18), so exactly.
CREATE FUNCTION IF NOT EXISTS usage_condition_holds AS (condition, node) ->
    if(node IN ('', 'null'),
        NOT condition.3 AND condition.5 != 1 AND condition.6 = '' AND condition.7 = '' AND condition.8 = '' AND condition.9 = '',
        (NOT condition.3 OR has(condition.2, usage_text_of(node))) AND NOT has(condition.4, usage_text_of(node)) AND condition.5 != 0
            AND (condition.6 = '' OR toDecimal256OrZero(usage_text_of(node), 18) > toDecimal256OrZero(condition.6, 18))
            AND (condition.7 = '' OR toDecimal256OrZero(usage_text_of(node), 18) >= toDecimal256OrZero(condition.7, 18))
            AND (condition.8 = '' OR toDecimal256OrZero(usage_text_of(node), 18) < toDecimal256OrZero(condition.8, 18))
            AND (condition.9 = '' OR toDecimal256OrZero(usage_text_of(node), 18) <= toDecimal256OrZero(condition.9, 18)));

-- @statement
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
    version, hash, journal_seq, removed
FROM meterline.catalog_versions FINAL
WHERE kind = 'meter'
ORDER BY key, version DESC
LIMIT 1 BY key;

-- @statement
-- One branch per aggregation, so that each reads only the window table it needs and filters reach that table's key.
-- The mean level is a division: integers of 18 places, rounded half up (away from zero), because Decimal division cuts.
CREATE OR REPLACE VIEW finance.usage
(
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of the meter',
    aggregation String COMMENT 'count, sum, average, min, max, percentile, latest, unique_count or time_weighted_sum',
    dimensions Map(String, String) COMMENT 'the meter''s dimensions and their values; a missing value is empty',
    window_start DateTime('UTC') COMMENT 'start of the 15 minute base window, by event time',
    window_end DateTime('UTC') COMMENT 'its end, not part of it',
    quantity Decimal(76, 18) COMMENT 'what the meter measured in this window. Sums and counts add up over windows; unique_count counts the values of this window alone, average and percentile are those of this window; time_weighted_sum is the mean level over the window from the changes inside it, the level being 0 at its start',
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
SELECT customer, meter, 'average', dimensions, window_start, toDateTime(toUnixTimestamp(window_start) + 900, 'UTC'),
    toDecimal256(
        sign(scaled) * intDiv(2 * abs(scaled) + toInt256(events), 2 * toInt256(events)), 0)
        * toDecimal256('0.000000000000000001', 18),
    events
FROM
(
    SELECT customer, meter, dimensions, window_start, sum(event_count) AS events,
        toInt256(sum(quantity_sum) * toInt256('1000000000000000000')) AS scaled
    FROM meterline.usage_windows_as_of(cut = 4294967295)
    WHERE meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'average')
    GROUP BY customer, meter, dimensions, window_start
)
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
SELECT e.customer, e.meter, 'percentile', e.dimensions, e.window_start, toDateTime(toUnixTimestamp(e.window_start) + 900, 'UTC'),
    toDecimal256(arrayElement(arraySort(groupArray(e.quantity)), intDiv(any(m.percentile_thousandths) * count() + 99999, 100000)), 18), count()
FROM meterline.usage_events_as_of(cut = 4294967295) AS e
INNER JOIN (SELECT key, percentile_thousandths FROM meterline.catalog_meters WHERE aggregation = 'percentile') AS m ON m.key = e.meter
GROUP BY e.customer, e.meter, e.dimensions, e.window_start
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
ALTER TABLE finance.usage MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
