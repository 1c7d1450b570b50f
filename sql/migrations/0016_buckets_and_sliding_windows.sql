-- Meters that are taken per hour or day: the sub-windows are groups of base windows, so no table of the chain is new.

-- The hour (3600) or day (86400) of a base window by the clock of a zone, from the zone's offsets: each holds from its beginning on, the first from before
-- the window. Hours that the clocks repeat differ by their offset; a day is all that has its date.
CREATE FUNCTION IF NOT EXISTS usage_bucket AS (window_start, seconds, span_begins, span_offsets) ->
    (intDiv(toInt64(toUnixTimestamp(window_start)) + span_offsets[arrayCount(begins -> begins <= toUnixTimestamp(window_start), span_begins)], seconds),
        if(seconds = 3600, span_offsets[arrayCount(begins -> begins <= toUnixTimestamp(window_start), span_begins)], 0));

-- @statement
-- The last hour, 24 hours and 30 days, on the grid of the base windows: they end with the quarter hour that is running, so they move on every quarter hour.
-- One branch per aggregation, as in finance.usage. The mean level holds 19 + 16 digits before the point, and 18 more for its rounding.
CREATE VIEW IF NOT EXISTS finance.usage_sliding
(
    customer String COMMENT 'key of the customer',
    meter String COMMENT 'key of the meter',
    aggregation String COMMENT 'count, sum, average, min, max, percentile, latest, unique_count or time_weighted_sum',
    dimensions Map(String, String) COMMENT 'the meter''s dimensions and their values; a missing value is empty',
    hours UInt16 COMMENT 'length of the window: 1, 24 or 720 (30 days)',
    window_start DateTime('UTC') COMMENT 'start of the window, by event time',
    window_end DateTime('UTC') COMMENT 'its end, not part of it: the end of the quarter hour that is running',
    quantity Decimal(76, 18) COMMENT 'what the meter measured in this window, from all events that have arrived and were not taken back. A meter''s bucket is not applied: min, max, latest and unique_count are those of the whole window; time_weighted_sum is the mean level from the changes inside the window, the level being 0 at its start',
    event_count UInt64 COMMENT 'events behind the quantity'
) AS
WITH (SELECT toDateTime(intDiv(toUnixTimestamp(now()), 900) * 900 + 900, 'UTC')) AS ends
SELECT customer, meter, aggregation, dimensions, hours, subtractHours(ends, hours) AS window_start, ends AS window_end, quantity, event_count
FROM
(
    SELECT customer, meter, 'sum' AS aggregation, dimensions, hours, sum(quantity_sum) AS quantity, sum(event_count) AS event_count
    FROM meterline.usage_windows_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'sum')
    GROUP BY customer, meter, dimensions, hours
    UNION ALL
    SELECT customer, meter, 'count' AS aggregation, dimensions, hours, sum(quantity_sum) AS quantity, sum(event_count) AS event_count
    FROM meterline.usage_windows_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'count')
    GROUP BY customer, meter, dimensions, hours
    UNION ALL
    SELECT customer, meter, 'average', dimensions, hours,
        toDecimal256(sign(scaled) * intDiv(2 * abs(scaled) + toInt256(events), 2 * toInt256(events)), 0) * toDecimal256('0.000000000000000001', 18), events
    FROM
    (
    SELECT customer, meter, dimensions, hours, sum(event_count) AS events, toInt256(sum(quantity_sum) * toInt256('1000000000000000000')) AS scaled
    FROM meterline.usage_windows_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'average')
    GROUP BY customer, meter, dimensions, hours
    )
    UNION ALL
    SELECT customer, meter, 'min' AS aggregation, dimensions, hours, toDecimal256(min(minimum), 18) AS quantity, sum(event_count) AS event_count
    FROM meterline.usage_window_extremes_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'min')
    GROUP BY customer, meter, dimensions, hours
    UNION ALL
    SELECT customer, meter, 'max' AS aggregation, dimensions, hours, toDecimal256(max(maximum), 18) AS quantity, sum(event_count) AS event_count
    FROM meterline.usage_window_extremes_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'max')
    GROUP BY customer, meter, dimensions, hours
    UNION ALL
    SELECT e.customer, e.meter, 'percentile', e.dimensions, e.hours,
        toDecimal256(arrayElement(arraySort(groupArray(e.quantity)), intDiv(any(m.percentile_thousandths) * count() + 99999, 100000)), 18), count()
    FROM
    (
    SELECT customer, meter, dimensions, hours, quantity
    FROM meterline.usage_events_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'percentile')
    ) AS e
    INNER JOIN (SELECT key, percentile_thousandths FROM meterline.catalog_meters WHERE aggregation = 'percentile') AS m ON m.key = e.meter
    GROUP BY e.customer, e.meter, e.dimensions, e.hours
    UNION ALL
    SELECT customer, meter, 'latest' AS aggregation, dimensions, hours, toDecimal256(tupleElement(max(latest), 4), 18) AS quantity, sum(event_count) AS event_count
    FROM meterline.usage_window_latest_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'latest')
    GROUP BY customer, meter, dimensions, hours
    UNION ALL
    SELECT customer, meter, 'unique_count' AS aggregation, dimensions, hours, toDecimal256(uniqExact(text), 18) AS quantity, count() AS event_count
    FROM meterline.usage_events_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'unique_count')
    GROUP BY customer, meter, dimensions, hours
    UNION ALL
    SELECT customer, meter, 'time_weighted_sum', dimensions, hours,
        toDecimal256(sign(scaled) * intDiv(2 * abs(scaled) + length, 2 * length), 0) * toDecimal256('0.000000000000000001', 18), events
    FROM
    (
    SELECT customer, meter, dimensions, hours, sum(event_count) AS events, toInt256(hours) * toInt256(3600000000000) AS length,
        toInt256(sum(delta_sum * toInt256(dateDiff('second', window_start, ends)) * toInt256(1000000000) - delta_moment) * toInt256('1000000000000000000')) AS scaled
    FROM meterline.usage_window_levels_as_of(cut = 4294967295)
    ARRAY JOIN [1, 24, 720] AS hours
    WHERE window_start >= subtractHours(ends, 720) AND window_start < ends AND window_start >= subtractHours(ends, hours)
        AND meter IN (SELECT key FROM meterline.catalog_meters WHERE aggregation = 'time_weighted_sum')
    GROUP BY customer, meter, dimensions, hours
    )
);

-- @statement
ALTER TABLE finance.usage_sliding MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
