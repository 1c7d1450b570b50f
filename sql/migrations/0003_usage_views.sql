-- Usage as of a cut: what rating, invoices, explain and verify read, and nothing else does.
--
-- One view per window target, called with the cut: `SELECT … FROM meterline.usage_windows_as_of(cut = 7)`.
-- It gives the clean windows from the aggregates, and the dirty ones (those named by a retraction whose cut is reached) computed again
-- from usage_events without the retracted identities, because max, latest and unique values cannot be subtracted.
-- Rows are parts, not totals: one per cut, shard and incarnation, and several while merges are due. Aggregate over them with the
-- function of the column (sum, min, max). Filters on meter, customer and window_start (day) reach the primary keys of the tables.
-- The greatest cut there is, 4294967295, means: all that is known now.

CREATE VIEW IF NOT EXISTS meterline.usage_events_as_of AS
SELECT meter, aggregation, customer, window_start, dimensions, event_time, source, id, body_hash, quantity, text, cut, shard, incarnation, seq, position
FROM meterline.usage_events
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start, source, id) NOT IN
        (SELECT meter, customer, window_start, source, id FROM meterline.usage_retractions WHERE cut <= {cut:UInt32});

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_windows_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(quantity_sum AS Decimal(76, 18)) AS quantity_sum,
    CAST(first_seq AS UInt64) AS first_seq,
    CAST(last_seq AS UInt64) AS last_seq,
    CAST(events_digest AS UInt256) AS events_digest
FROM meterline.usage_windows
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    count(),
    sum(toDecimal256(quantity, 18)),
    min(seq),
    max(seq),
    sum(usage_event_leaf(source, id, body_hash, customer, meter, dimensions, event_time, quantity, text))
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_window_extremes_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(minimum AS Decimal(38, 18)) AS minimum,
    CAST(maximum AS Decimal(38, 18)) AS maximum
FROM meterline.usage_window_extremes
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation, count(), min(quantity), max(quantity)
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation IN ('min', 'max')
    AND (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_window_latest_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(latest AS Tuple(event_time DateTime64(9, 'UTC'), source String, id String, quantity Decimal(38, 18))) AS latest
FROM meterline.usage_window_latest
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation, count(), max((event_time, CAST(source AS String), id, quantity))
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation = 'latest'
    AND (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_window_levels_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(delta_sum AS Decimal(76, 18)) AS delta_sum,
    CAST(delta_moment AS Decimal(76, 18)) AS delta_moment
FROM meterline.usage_window_levels
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    count(),
    sum(toDecimal256(quantity, 18)),
    sum(toDecimal256(quantity, 18) * toInt256(toUnixTimestamp64Nano(event_time) - toInt64(toUnixTimestamp(window_start)) * 1000000000))
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation = 'time_weighted_sum'
    AND (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
-- Rows of unique values span a day, so one dirty window makes its customer's day dirty.
CREATE VIEW IF NOT EXISTS meterline.usage_unique_values_as_of AS
SELECT meter, customer, day, dimensions, value_hash, cut, shard, incarnation,
    CAST(first_window AS DateTime('UTC')) AS first_window,
    CAST(last_window AS DateTime('UTC')) AS last_window
FROM meterline.usage_unique_values
WHERE cut <= {cut:UInt32}
    AND (meter, customer, day) NOT IN
        (SELECT meter, customer, toDate(window_start, 'UTC') FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
UNION ALL
SELECT meter, customer, toDate(window_start, 'UTC') AS day, dimensions,
    reinterpretAsUInt128(substring(SHA256(text), 1, 16)) AS value_hash,
    cut, shard, incarnation, min(window_start), max(window_start)
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation = 'unique_count'
    AND (meter, customer, toDate(window_start, 'UTC')) IN
        (SELECT meter, customer, toDate(window_start, 'UTC') FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
GROUP BY meter, customer, day, dimensions, value_hash, cut, shard, incarnation;

-- @statement
-- Meters as the journal knows them. A definition never changes, so the latest version only tells whether the meter was removed.
CREATE VIEW IF NOT EXISTS meterline.catalog_meters AS
SELECT
    key,
    JSONExtractString(definition, 'eventType') AS event_type,
    JSONExtractString(definition, 'aggregation') AS aggregation,
    JSONExtractString(definition, 'value') AS value,
    JSONExtract(definition, 'dimensions', 'Map(String, String)') AS dimensions,
    JSONExtractString(definition, 'whenMissing') AS when_missing,
    version, hash, journal_seq, removed
FROM meterline.catalog_versions FINAL
WHERE kind = 'meter'
ORDER BY key, version DESC
LIMIT 1 BY key;
