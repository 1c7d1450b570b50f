-- Usage as of a cut where nothing was taken back: the first half of each `…_as_of` view, the same columns and types. Planning both halves costs
-- the engine some 45 ms, more than reading a month of windows does, and most meters never see a retraction. Who reads one of these has asked
-- whether usage_retractions and usage_replacements name the meter as of the cut: see `src/clickhouse/usage-sql.ts`.

CREATE VIEW IF NOT EXISTS meterline.usage_events_as_stored AS
SELECT meter, aggregation, customer, window_start, dimensions, event_time, source, id, body_hash, quantity, text, cut, shard, incarnation, seq, position
FROM meterline.usage_events
WHERE cut <= {cut:UInt32};

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_windows_as_stored AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(quantity_sum AS Decimal(76, 18)) AS quantity_sum,
    CAST(first_seq AS UInt64) AS first_seq,
    CAST(last_seq AS UInt64) AS last_seq,
    CAST(events_digest AS UInt256) AS events_digest
FROM meterline.usage_windows
WHERE cut <= {cut:UInt32};

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_window_extremes_as_stored AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(minimum AS Decimal(38, 18)) AS minimum,
    CAST(maximum AS Decimal(38, 18)) AS maximum
FROM meterline.usage_window_extremes
WHERE cut <= {cut:UInt32};

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_window_latest_as_stored AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(latest AS Tuple(event_time DateTime64(9, 'UTC'), source String, id String, quantity Decimal(38, 18))) AS latest
FROM meterline.usage_window_latest
WHERE cut <= {cut:UInt32};

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_window_levels_as_stored AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(delta_sum AS Decimal(76, 18)) AS delta_sum,
    CAST(delta_moment AS Decimal(76, 18)) AS delta_moment
FROM meterline.usage_window_levels
WHERE cut <= {cut:UInt32};

-- @statement
CREATE VIEW IF NOT EXISTS meterline.usage_unique_values_as_stored AS
SELECT meter, customer, day, dimensions, value_hash, cut, shard, incarnation,
    CAST(first_window AS DateTime('UTC')) AS first_window,
    CAST(last_window AS DateTime('UTC')) AS last_window
FROM meterline.usage_unique_values
WHERE cut <= {cut:UInt32};
