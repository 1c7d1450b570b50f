-- Voids and amends: accepted events of the types meterline.void and meterline.amend take another event of their source back.
--
--   usage_ingest
--     └─► event_retractions            accepted voids and amends, with what they take back and put in its place
--           ├─► usage_retractions      what counts no longer, one row per contribution to a meter
--           └─► usage_replacements     what an amended event contributes instead
--
-- usage_events and the window tables are left as they are: they hold what was said first. A window that a retraction or a replacement
-- names is dirty from that cut on, and the views compute it from the single events, because max, latest and unique values cannot be
-- subtracted. Each contribution is named by the place of its row in the stream, so that of several amends of one event each can be told.

ALTER TABLE meterline.usage_ingest ADD COLUMN IF NOT EXISTS
    retraction Array(Tuple(target_key UInt128, target_id String, customer String, event_time DateTime64(9, 'UTC'), uses Array(Tuple(meter String, aggregation String, quantity Decimal(38, 18), text String, dimensions Map(String, String))), retracts Array(Tuple(meter String, customer String, window_start DateTime('UTC'), incarnation UInt64, seq UInt64, position UInt32))))
    COMMENT 'of an accepted void or amend what it does, else empty';

-- @statement
-- Asked for what counts of some identities: the last row of each says it.
CREATE TABLE IF NOT EXISTS meterline.event_retractions
(
    target_key UInt128 COMMENT 'identity of the event that is taken back',
    target_id String,
    source LowCardinality(String) COMMENT 'of both',
    id String COMMENT 'of the void or amend',
    type LowCardinality(String),
    customer String COMMENT 'of the amended event; empty for a void',
    event_time DateTime64(9, 'UTC') COMMENT 'of the amended event; 1970-01-01 for a void',
    body_hash UInt128 COMMENT 'of the void or amend',
    uses Array(Tuple(meter String, aggregation String, quantity Decimal(38, 18), text String, dimensions Map(String, String))) COMMENT 'what the event contributes from now on',
    retracts Array(Tuple(meter String, customer String, window_start DateTime('UTC'), incarnation UInt64, seq UInt64, position UInt32)) COMMENT 'what counts no longer',
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    seq UInt64,
    position UInt32
)
ENGINE = MergeTree
ORDER BY (target_key, incarnation, seq, position)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.event_retractions_mv TO meterline.event_retractions AS
SELECT
    retraction[1].1 AS target_key,
    retraction[1].2 AS target_id,
    source, id, type,
    retraction[1].3 AS customer,
    retraction[1].4 AS event_time,
    body_hash,
    retraction[1].5 AS uses,
    retraction[1].6 AS retracts,
    cut, shard, incarnation, seq, position
FROM meterline.usage_ingest
WHERE notEmpty(retraction) AND verdict = 'accepted';

-- @statement
ALTER TABLE meterline.usage_retractions
    ADD COLUMN IF NOT EXISTS position UInt32 COMMENT 'place of the retracting event in its message',
    ADD COLUMN IF NOT EXISTS target_incarnation UInt64 COMMENT 'with target_seq and target_position the row that counts no longer',
    ADD COLUMN IF NOT EXISTS target_seq UInt64,
    ADD COLUMN IF NOT EXISTS target_position UInt32,
    ADD COLUMN IF NOT EXISTS retracted_by String COMMENT 'id of the void or amend',
    ADD COLUMN IF NOT EXISTS retraction_type LowCardinality(String) COMMENT 'meterline.void or meterline.amend';

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_retractions_mv TO meterline.usage_retractions AS
SELECT
    taken.1 AS meter,
    taken.2 AS customer,
    taken.3 AS window_start,
    source,
    target_id AS id,
    cut, shard, incarnation, seq, position,
    taken.4 AS target_incarnation,
    taken.5 AS target_seq,
    taken.6 AS target_position,
    event_retractions.id AS retracted_by,
    type AS retraction_type
FROM meterline.event_retractions
ARRAY JOIN retracts AS taken;

-- @statement
-- The columns and the key of usage_events, which it adds to. Source and id are those of the amended event, so that the latest value and the order
-- of events are what they would have been; body hash, sequence and position are the amend's.
CREATE TABLE IF NOT EXISTS meterline.usage_replacements
(
    meter LowCardinality(String),
    aggregation LowCardinality(String),
    customer String,
    window_start DateTime('UTC'),
    dimensions Map(LowCardinality(String), String),
    event_time DateTime64(9, 'UTC'),
    source LowCardinality(String),
    id String,
    body_hash UInt128,
    quantity Decimal(38, 18),
    text String,
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    seq UInt64,
    position UInt32,
    amended_by String COMMENT 'id of the amend'
)
ENGINE = MergeTree
ORDER BY (toYYYYMM(window_start), meter, customer, window_start, event_time, source, id)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_replacements_mv TO meterline.usage_replacements AS
SELECT
    use.1 AS meter,
    use.2 AS aggregation,
    customer,
    toDateTime(intDiv(toUnixTimestamp64Second(event_time), 900) * 900, 'UTC') AS window_start,
    use.5 AS dimensions,
    event_time, source,
    target_id AS id,
    body_hash,
    use.3 AS quantity,
    use.4 AS text,
    cut, shard, incarnation, seq, position,
    event_retractions.id AS amended_by
FROM meterline.event_retractions
ARRAY JOIN uses AS use;

-- @statement
CREATE VIEW IF NOT EXISTS meterline.dirty_windows_as_of AS
SELECT meter, customer, window_start FROM meterline.usage_retractions WHERE cut <= {cut:UInt32}
UNION ALL
SELECT meter, customer, window_start FROM meterline.usage_replacements WHERE cut <= {cut:UInt32};

-- @statement
CREATE OR REPLACE VIEW meterline.usage_events_as_of AS
SELECT meter, aggregation, customer, window_start, dimensions, event_time, source, id, body_hash, quantity, text, cut, shard, incarnation, seq, position
FROM meterline.usage_events
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start, shard, incarnation, seq, position) NOT IN
        (SELECT meter, customer, window_start, shard, target_incarnation, target_seq, target_position FROM meterline.usage_retractions WHERE cut <= {cut:UInt32})
UNION ALL
SELECT meter, aggregation, customer, window_start, dimensions, event_time, source, id, body_hash, quantity, text, cut, shard, incarnation, seq, position
FROM meterline.usage_replacements
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start, shard, incarnation, seq, position) NOT IN
        (SELECT meter, customer, window_start, shard, target_incarnation, target_seq, target_position FROM meterline.usage_retractions WHERE cut <= {cut:UInt32});

-- @statement
CREATE OR REPLACE VIEW meterline.usage_windows_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(quantity_sum AS Decimal(76, 18)) AS quantity_sum,
    CAST(first_seq AS UInt64) AS first_seq,
    CAST(last_seq AS UInt64) AS last_seq,
    CAST(events_digest AS UInt256) AS events_digest
FROM meterline.usage_windows
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    count(),
    sum(toDecimal256(quantity, 18)),
    min(seq),
    max(seq),
    sum(usage_event_leaf(source, id, body_hash, customer, meter, dimensions, event_time, quantity, text))
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE OR REPLACE VIEW meterline.usage_window_extremes_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(minimum AS Decimal(38, 18)) AS minimum,
    CAST(maximum AS Decimal(38, 18)) AS maximum
FROM meterline.usage_window_extremes
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation, count(), min(quantity), max(quantity)
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation IN ('min', 'max')
    AND (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE OR REPLACE VIEW meterline.usage_window_latest_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(latest AS Tuple(event_time DateTime64(9, 'UTC'), source String, id String, quantity Decimal(38, 18))) AS latest
FROM meterline.usage_window_latest
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation, count(), max((event_time, CAST(source AS String), id, quantity))
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation = 'latest'
    AND (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE OR REPLACE VIEW meterline.usage_window_levels_as_of AS
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    CAST(event_count AS UInt64) AS event_count,
    CAST(delta_sum AS Decimal(76, 18)) AS delta_sum,
    CAST(delta_moment AS Decimal(76, 18)) AS delta_moment
FROM meterline.usage_window_levels
WHERE cut <= {cut:UInt32}
    AND (meter, customer, window_start) NOT IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
UNION ALL
SELECT meter, customer, window_start, dimensions, cut, shard, incarnation,
    count(),
    sum(toDecimal256(quantity, 18)),
    sum(toDecimal256(quantity, 18) * toInt256(toUnixTimestamp64Nano(event_time) - toInt64(toUnixTimestamp(window_start)) * 1000000000))
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation = 'time_weighted_sum'
    AND (meter, customer, window_start) IN (SELECT meter, customer, window_start FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
-- Rows of unique values span a day, so one dirty window makes its customer's day dirty.
CREATE OR REPLACE VIEW meterline.usage_unique_values_as_of AS
SELECT meter, customer, day, dimensions, value_hash, cut, shard, incarnation,
    CAST(first_window AS DateTime('UTC')) AS first_window,
    CAST(last_window AS DateTime('UTC')) AS last_window
FROM meterline.usage_unique_values
WHERE cut <= {cut:UInt32}
    AND (meter, customer, day) NOT IN
        (SELECT meter, customer, toDate(window_start, 'UTC') FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
UNION ALL
SELECT meter, customer, toDate(window_start, 'UTC') AS day, dimensions,
    reinterpretAsUInt128(substring(SHA256(text), 1, 16)) AS value_hash,
    cut, shard, incarnation, min(window_start), max(window_start)
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE aggregation = 'unique_count'
    AND (meter, customer, toDate(window_start, 'UTC')) IN
        (SELECT meter, customer, toDate(window_start, 'UTC') FROM meterline.dirty_windows_as_of(cut = {cut:UInt32}))
GROUP BY meter, customer, day, dimensions, value_hash, cut, shard, incarnation;
