-- A second entrance to the usage chain, for batches with something that most have none of.
--
--   usage_ingest_special (Null)          batches with events for another aggregation than count, sum, average and percentile, with voids, amends or replays
--     ├─► usage_special_uses (Null)      accepted events × their meters of those aggregations
--     │     ├─► usage_window_extremes
--     │     ├─► usage_window_latest
--     │     ├─► usage_window_levels
--     │     └─► usage_unique_values
--     ├─► event_retractions ─► usage_retractions, usage_replacements
--     ├─► usage_replays
--     └─► usage_ingest (Null)            and every other batch
--           ├─► usage_events_raw
--           ├─► event_keys
--           ├─► event_fields
--           └─► usage_events ─► usage_windows
--
-- An insert plans every view behind its table, whether that gets a row or not, which is most of what a small batch costs: eight views less are 19 of 65 ms of a core
-- (2026-11-28, batches of 1,000 rows). Which entrance a batch takes follows from its rows alone (`src/clickhouse/special-row.ts`), so a repetition takes the same.
--
-- Views are replaced here, and under the new ones an insert that was begun before would not be recognised: no plan is open while a schema changes. They have new
-- names, so that whoever applies this file late drops nothing that is in use. The targets stay, and nothing is filled in: each gets what it got before.
-- An insert may die when only one of the new views has stored its rows, so each of their targets tells how far it has come (last_seq).
--
-- The sink of an earlier release would go past the new views without a word. It names the column `retraction` of usage_ingest, which is therefore dropped before they
-- lose their old ones: its inserts fail.

CREATE TABLE IF NOT EXISTS meterline.usage_ingest_special
(
    shard UInt16,
    incarnation UInt64,
    seq UInt64,
    position UInt32,
    batch_first UInt64,
    cut UInt32,
    subject String,
    ingested_at DateTime64(9, 'UTC'),
    source String,
    id String,
    type String,
    customer String,
    event_time DateTime64(9, 'UTC'),
    verdict Enum8('accepted' = 1, 'duplicate' = 2, 'conflict' = 3, 'rejected' = 4),
    reason LowCardinality(String),
    detail String,
    event_key UInt128,
    body_hash UInt128,
    raw String,
    uses Array(Tuple(meter String, aggregation String, quantity Decimal(38, 18), text String, dimensions Map(String, String))),
    retraction Array(Tuple(target_key UInt128, target_id String, customer String, event_time DateTime64(9, 'UTC'), uses Array(Tuple(meter String, aggregation String, quantity Decimal(38, 18), text String, dimensions Map(String, String))), retracts Array(Tuple(meter String, customer String, window_start DateTime('UTC'), incarnation UInt64, seq UInt64, position UInt32))))
)
ENGINE = Null
COMMENT 'usage_ingest says what the columns are';

-- @statement
ALTER TABLE meterline.usage_window_extremes ADD COLUMN IF NOT EXISTS last_seq SimpleAggregateFunction(max, UInt64) COMMENT 'of its events; 0 from before 0022';

-- @statement
ALTER TABLE meterline.usage_window_latest ADD COLUMN IF NOT EXISTS last_seq SimpleAggregateFunction(max, UInt64) COMMENT 'of its events; 0 from before 0022';

-- @statement
ALTER TABLE meterline.usage_window_levels ADD COLUMN IF NOT EXISTS last_seq SimpleAggregateFunction(max, UInt64) COMMENT 'of its events; 0 from before 0022';

-- @statement
ALTER TABLE meterline.usage_unique_values ADD COLUMN IF NOT EXISTS last_seq SimpleAggregateFunction(max, UInt64) COMMENT 'of its events; 0 from before 0022';

-- @statement
CREATE TABLE IF NOT EXISTS meterline.usage_special_uses
(
    meter LowCardinality(String),
    aggregation LowCardinality(String),
    customer String,
    window_start DateTime('UTC'),
    dimensions Map(String, String),
    event_time DateTime64(9, 'UTC'),
    source LowCardinality(String),
    id String,
    quantity Decimal(38, 18),
    text String,
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    seq UInt64
)
ENGINE = Null
COMMENT 'usage_events says what the columns are';

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_ingest_special_mv TO meterline.usage_ingest AS
SELECT
    shard, incarnation, seq, position, batch_first, cut, subject, ingested_at, source, id, type, customer, event_time,
    verdict, reason, detail, event_key, body_hash, raw, uses
FROM meterline.usage_ingest_special;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_special_uses_mv TO meterline.usage_special_uses AS
SELECT
    use.1 AS meter,
    use.2 AS aggregation,
    customer,
    toDateTime(intDiv(toUnixTimestamp64Second(event_time), 900) * 900, 'UTC') AS window_start,
    use.5 AS dimensions,
    event_time, source, id,
    use.3 AS quantity,
    use.4 AS text,
    cut, shard, incarnation, seq
FROM meterline.usage_ingest_special
ARRAY JOIN arrayFilter(taken -> taken.2 IN ('min', 'max', 'latest', 'time_weighted_sum', 'unique_count'), uses) AS use
WHERE verdict = 'accepted';

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_window_extremes_special_mv TO meterline.usage_window_extremes AS
SELECT
    meter, customer, window_start, dimensions, cut, shard, incarnation,
    count() AS event_count,
    min(quantity) AS minimum,
    max(quantity) AS maximum,
    max(seq) AS last_seq
FROM meterline.usage_special_uses
WHERE aggregation IN ('min', 'max')
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_window_latest_special_mv TO meterline.usage_window_latest AS
SELECT
    meter, customer, window_start, dimensions, cut, shard, incarnation,
    count() AS event_count,
    max((event_time, CAST(source AS String), id, quantity)) AS latest,
    max(seq) AS last_seq
FROM meterline.usage_special_uses
WHERE aggregation = 'latest'
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_window_levels_special_mv TO meterline.usage_window_levels AS
SELECT
    meter, customer, window_start, dimensions, cut, shard, incarnation,
    count() AS event_count,
    sum(toDecimal256(quantity, 18)) AS delta_sum,
    sum(toDecimal256(quantity, 18) * toInt256(toUnixTimestamp64Nano(event_time) - toInt64(toUnixTimestamp(window_start)) * 1000000000)) AS delta_moment,
    max(seq) AS last_seq
FROM meterline.usage_special_uses
WHERE aggregation = 'time_weighted_sum'
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_unique_values_special_mv TO meterline.usage_unique_values AS
SELECT
    meter, customer, toDate(window_start, 'UTC') AS day, dimensions,
    reinterpretAsUInt128(substring(SHA256(text), 1, 16)) AS value_hash,
    cut, shard, incarnation,
    min(window_start) AS first_window,
    max(window_start) AS last_window,
    max(seq) AS last_seq
FROM meterline.usage_special_uses
WHERE aggregation = 'unique_count'
GROUP BY meter, customer, day, dimensions, value_hash, cut, shard, incarnation;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.event_retractions_special_mv TO meterline.event_retractions AS
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
FROM meterline.usage_ingest_special
WHERE notEmpty(retraction) AND verdict = 'accepted';

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_replays_special_mv TO meterline.usage_replays AS
SELECT
    shard,
    toUInt64OrZero(splitByChar('.', subject)[3]) AS origin_incarnation,
    toUInt64OrZero(splitByChar('.', subject)[4]) AS origin_seq,
    toUInt32OrZero(splitByChar('.', subject)[5]) AS origin_position,
    incarnation, seq, position,
    usage_arrival(subject, reason, ingested_at) AS arrived_at,
    ingested_at
FROM meterline.usage_ingest_special
WHERE startsWith(subject, 'quarantine.') AND reason != 'replay_invalid';

-- @statement
DROP VIEW IF EXISTS meterline.event_retractions_mv;

-- @statement
ALTER TABLE meterline.usage_ingest DROP COLUMN IF EXISTS retraction;

-- @statement
DROP VIEW IF EXISTS meterline.usage_window_extremes_mv;

-- @statement
DROP VIEW IF EXISTS meterline.usage_window_latest_mv;

-- @statement
DROP VIEW IF EXISTS meterline.usage_window_levels_mv;

-- @statement
DROP VIEW IF EXISTS meterline.usage_unique_values_mv;

-- @statement
DROP VIEW IF EXISTS meterline.usage_replays_mv;
