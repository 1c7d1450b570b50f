-- The chain from one inserted batch to every number that is billed.
--
--   usage_ingest (Null)                one row per event of a batch, with its verdict; the only table the sink inserts into
--     ├─► usage_events_raw             every event as it came, with verdict and reason
--     ├─► event_keys                   identities of accepted events, for "seen before?"
--     └─► usage_events                 accepted events × the meters they feed
--           ├─► usage_windows          count, sum and lineage, for every meter
--           ├─► usage_window_extremes  min and max
--           ├─► usage_window_latest    the latest value by (time, source, id)
--           ├─► usage_window_levels    time-weighted sums, from Σv and Σv·t
--           └─► usage_unique_values    one row per distinct value and day
--
-- Exactly once: a batch is ONE insert with a token. ClickHouse drops the repeated insert at the source and at every view target,
-- because each of them keeps a deduplication window (in blocks). Without the window on a target that target counts twice.
-- Nothing else may insert into these tables, and none of them is ever truncated or has a partition dropped while a batch is in doubt.
--
-- Base windows are 15 minutes, UTC, half open: the finest step that tiles every IANA zone's hours, days and months.
-- Cuts number the state of knowledge: what was rated as of cut c reads `cut <= c`, and usage that arrives later has a later cut.
-- The incarnation is the creation time of the JetStream stream in nanoseconds: a recreated stream starts at sequence 1 again.

CREATE DATABASE IF NOT EXISTS meterline ENGINE = Atomic;

-- @statement
CREATE TABLE IF NOT EXISTS meterline.usage_ingest
(
    shard UInt16,
    incarnation UInt64,
    seq UInt64 COMMENT 'sequence of the message in the shard''s stream',
    position UInt32 COMMENT 'position of the event in its message, from 0',
    batch_first UInt64 COMMENT 'first sequence of the batch',
    cut UInt32,
    subject String,
    ingested_at DateTime64(9, 'UTC') COMMENT 'when the stream took the message',
    source String,
    id String,
    type String,
    customer String COMMENT 'key of the customer, after aliases; the event''s subject when no customer has it',
    event_time DateTime64(9, 'UTC') COMMENT 'the event''s time, or ingested_at when it has none',
    verdict Enum8('accepted' = 1, 'duplicate' = 2, 'conflict' = 3, 'rejected' = 4),
    reason LowCardinality(String),
    detail String COMMENT 'what was wrong where, for people',
    event_key UInt128 COMMENT 'first 16 bytes, little endian, of SHA-256 over "<bytes of source>:<source><id>"',
    body_hash UInt128 COMMENT 'first 16 bytes, little endian, of SHA-256 over the canonical JSON of [type, customer, data]',
    raw String COMMENT 'the event''s bytes as they came',
    uses Array(Tuple(meter String, aggregation String, quantity Decimal(38, 18), text String, dimensions Map(String, String)))
)
ENGINE = Null;

-- @statement
-- Read by position in the stream (verify, replay, quarantine), so that is the key. The only partitioned table of the chain: by ingest
-- month, at whose turn a batch ends, because one insert is atomic only into one partition.
CREATE TABLE IF NOT EXISTS meterline.usage_events_raw
(
    shard UInt16,
    incarnation UInt64 CODEC(Delta, ZSTD),
    seq UInt64 CODEC(Delta, ZSTD),
    position UInt32 CODEC(Delta, ZSTD),
    batch_first UInt64 CODEC(Delta, ZSTD),
    cut UInt32,
    subject LowCardinality(String),
    ingested_at DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    source LowCardinality(String),
    id String CODEC(ZSTD(3)),
    type LowCardinality(String),
    customer String CODEC(ZSTD),
    event_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    verdict Enum8('accepted' = 1, 'duplicate' = 2, 'conflict' = 3, 'rejected' = 4),
    reason LowCardinality(String),
    detail String CODEC(ZSTD),
    event_key UInt128,
    body_hash UInt128,
    raw String CODEC(ZSTD(3)),
    row_hash UInt64 COMMENT 'xxHash64 over all other columns: shows accidental change of a row'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (shard, incarnation, seq, position)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_events_raw_mv TO meterline.usage_events_raw AS
SELECT
    shard, incarnation, seq, position, batch_first, cut, subject, ingested_at, source, id, type, customer, event_time,
    verdict, reason, detail, event_key, body_hash, raw,
    xxHash64(shard, incarnation, seq, position, batch_first, cut, subject, toUnixTimestamp64Nano(ingested_at), source, id, type, customer,
        toUnixTimestamp64Nano(event_time), toInt8(verdict), reason, detail, event_key, body_hash, raw) AS row_hash
FROM meterline.usage_ingest;

-- @statement
-- Asked for some thousand keys among many millions: the key alone orders it, and small granules (256) keep a look-up to what it needs.
-- The time is no part of the key: a retry with another timestamp is the same event.
CREATE TABLE IF NOT EXISTS meterline.event_keys
(
    event_key UInt128,
    body_hash UInt128,
    shard UInt16,
    incarnation UInt64,
    seq UInt64,
    position UInt32,
    ingested_at DateTime('UTC')
)
ENGINE = MergeTree
ORDER BY event_key
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.event_keys_mv TO meterline.event_keys AS
SELECT event_key, body_hash, shard, incarnation, seq, position, toDateTime(ingested_at, 'UTC') AS ingested_at
FROM meterline.usage_ingest
WHERE verdict = 'accepted';

-- @statement
-- Read per meter and period (rating, recomputation) and per customer within it (explain, dirty windows): month first keeps a period
-- together and old months untouched by merges, then the meter, then the customer.
CREATE TABLE IF NOT EXISTS meterline.usage_events
(
    meter LowCardinality(String),
    aggregation LowCardinality(String),
    customer String,
    window_start DateTime('UTC') COMMENT 'start of the 15 minute base window that holds event_time',
    dimensions Map(LowCardinality(String), String),
    event_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD),
    source LowCardinality(String),
    id String CODEC(ZSTD(3)),
    body_hash UInt128,
    quantity Decimal(38, 18) COMMENT '1 for count, 0 for unique_count',
    text String COMMENT 'the value of unique_count as text',
    cut UInt32,
    shard UInt16,
    incarnation UInt64 CODEC(Delta, ZSTD),
    seq UInt64 CODEC(Delta, ZSTD),
    position UInt32
)
ENGINE = MergeTree
ORDER BY (toYYYYMM(window_start), meter, customer, window_start, event_time, source, id)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_events_mv TO meterline.usage_events AS
SELECT
    use.1 AS meter,
    use.2 AS aggregation,
    customer,
    toDateTime(intDiv(toUnixTimestamp64Second(event_time), 900) * 900, 'UTC') AS window_start,
    use.5 AS dimensions,
    event_time, source, id, body_hash,
    use.3 AS quantity,
    use.4 AS text,
    cut, shard, incarnation, seq, position
FROM meterline.usage_ingest
ARRAY JOIN uses AS use
WHERE verdict = 'accepted';

-- @statement
-- The lineage of every meter, and the quantities of count and sum. One key for all window tables, in the order of their reading:
-- a period of a meter for all customers (rating) is one range; a customer's month is a few small ranges.
-- Cut, shard and incarnation close the key, so that "as of" and a shard's history can be told apart for ever.
CREATE TABLE IF NOT EXISTS meterline.usage_windows
(
    meter LowCardinality(String),
    customer String,
    window_start DateTime('UTC'),
    dimensions Map(LowCardinality(String), String),
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    event_count SimpleAggregateFunction(sum, UInt64),
    quantity_sum SimpleAggregateFunction(sum, Decimal(76, 18)),
    first_seq SimpleAggregateFunction(min, UInt64),
    last_seq SimpleAggregateFunction(max, UInt64),
    events_digest SimpleAggregateFunction(sum, UInt256) COMMENT 'sum modulo 2^256 of the events'' leaves: SHA-256 over source, id, body hash, customer, meter, dimensions, time and value'
)
ENGINE = AggregatingMergeTree
ORDER BY (toYYYYMM(window_start), meter, customer, window_start, dimensions, cut, shard, incarnation)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
-- The leaf of an event and meter. Every part is preceded by its length, so that no two different events share a text.
CREATE FUNCTION IF NOT EXISTS usage_event_leaf AS (source, id, body_hash, customer, meter, dimensions, event_time, quantity, text) ->
    reinterpretAsUInt256(SHA256(concat(
        toString(length(source)), ':', source, toString(length(id)), ':', id, toString(body_hash),
        ';', toString(length(customer)), ':', customer, toString(length(meter)), ':', meter,
        arrayStringConcat(arrayMap((name, value) -> concat(toString(length(name)), ':', name, toString(length(value)), ':', value),
            mapKeys(dimensions), mapValues(dimensions))),
        ';', toString(toUnixTimestamp64Nano(event_time)), ';', toString(quantity), ';', text)));

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_windows_mv TO meterline.usage_windows AS
SELECT
    meter, customer, window_start, dimensions, cut, shard, incarnation,
    count() AS event_count,
    sum(toDecimal256(quantity, 18)) AS quantity_sum,
    min(seq) AS first_seq,
    max(seq) AS last_seq,
    sum(usage_event_leaf(source, id, body_hash, customer, meter, dimensions, event_time, quantity, text)) AS events_digest
FROM meterline.usage_events
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
CREATE TABLE IF NOT EXISTS meterline.usage_window_extremes
(
    meter LowCardinality(String),
    customer String,
    window_start DateTime('UTC'),
    dimensions Map(LowCardinality(String), String),
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    event_count SimpleAggregateFunction(sum, UInt64),
    minimum SimpleAggregateFunction(min, Decimal(38, 18)),
    maximum SimpleAggregateFunction(max, Decimal(38, 18))
)
ENGINE = AggregatingMergeTree
ORDER BY (toYYYYMM(window_start), meter, customer, window_start, dimensions, cut, shard, incarnation)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_window_extremes_mv TO meterline.usage_window_extremes AS
SELECT
    meter, customer, window_start, dimensions, cut, shard, incarnation,
    count() AS event_count,
    min(quantity) AS minimum,
    max(quantity) AS maximum
FROM meterline.usage_events
WHERE aggregation IN ('min', 'max')
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
-- The greatest (time, source, id) carries the latest quantity; identities are unique, so the fourth part never decides.
CREATE TABLE IF NOT EXISTS meterline.usage_window_latest
(
    meter LowCardinality(String),
    customer String,
    window_start DateTime('UTC'),
    dimensions Map(LowCardinality(String), String),
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    event_count SimpleAggregateFunction(sum, UInt64),
    latest SimpleAggregateFunction(max, Tuple(event_time DateTime64(9, 'UTC'), source String, id String, quantity Decimal(38, 18)))
)
ENGINE = AggregatingMergeTree
ORDER BY (toYYYYMM(window_start), meter, customer, window_start, dimensions, cut, shard, incarnation)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_window_latest_mv TO meterline.usage_window_latest AS
SELECT
    meter, customer, window_start, dimensions, cut, shard, incarnation,
    count() AS event_count,
    max((event_time, CAST(source AS String), id, quantity)) AS latest
FROM meterline.usage_events
WHERE aggregation = 'latest'
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
-- A value of time_weighted_sum is a change of the level at its time. With t in nanoseconds since the window's start, the level's integral
-- over any [F, T) made of base windows is Σ over windows of (Σv · (T − window_start) − Σv·t): exact, whatever the order of arrival.
-- The product is taken in Decimal256, because Decimal128 wraps without a sign.
CREATE TABLE IF NOT EXISTS meterline.usage_window_levels
(
    meter LowCardinality(String),
    customer String,
    window_start DateTime('UTC'),
    dimensions Map(LowCardinality(String), String),
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    event_count SimpleAggregateFunction(sum, UInt64),
    delta_sum SimpleAggregateFunction(sum, Decimal(76, 18)),
    delta_moment SimpleAggregateFunction(sum, Decimal(76, 18)) COMMENT 'Σ v·t, t in nanoseconds since window_start'
)
ENGINE = AggregatingMergeTree
ORDER BY (toYYYYMM(window_start), meter, customer, window_start, dimensions, cut, shard, incarnation)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_window_levels_mv TO meterline.usage_window_levels AS
SELECT
    meter, customer, window_start, dimensions, cut, shard, incarnation,
    count() AS event_count,
    sum(toDecimal256(quantity, 18)) AS delta_sum,
    sum(toDecimal256(quantity, 18) * toInt256(toUnixTimestamp64Nano(event_time) - toInt64(toUnixTimestamp(window_start)) * 1000000000)) AS delta_moment
FROM meterline.usage_events
WHERE aggregation = 'time_weighted_sum'
GROUP BY meter, customer, window_start, dimensions, cut, shard, incarnation;

-- @statement
-- One row per distinct value and UTC day; repeated values merge away. The first and last base window in which the value appeared let a
-- period begin and end inside a day: a value counts on the period's first day if last_window >= from, on its last if first_window < to.
CREATE TABLE IF NOT EXISTS meterline.usage_unique_values
(
    meter LowCardinality(String),
    customer String,
    day Date,
    dimensions Map(LowCardinality(String), String),
    value_hash UInt128 COMMENT 'first 16 bytes of SHA-256 over the value''s text',
    cut UInt32,
    shard UInt16,
    incarnation UInt64,
    first_window SimpleAggregateFunction(min, DateTime('UTC')),
    last_window SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (toYYYYMM(day), meter, customer, day, dimensions, value_hash, cut, shard, incarnation)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_unique_values_mv TO meterline.usage_unique_values AS
SELECT
    meter, customer, toDate(window_start, 'UTC') AS day, dimensions,
    reinterpretAsUInt128(substring(SHA256(text), 1, 16)) AS value_hash,
    cut, shard, incarnation,
    min(window_start) AS first_window,
    max(window_start) AS last_window
FROM meterline.usage_events
WHERE aggregation = 'unique_count'
GROUP BY meter, customer, day, dimensions, value_hash, cut, shard, incarnation;

-- @statement
-- Accepted events that were taken back or replaced, one row per event and meter. A window named here is dirty from that cut on:
-- the usage views compute it from usage_events without the retracted identities, because max, latest and unique cannot be subtracted.
CREATE TABLE IF NOT EXISTS meterline.usage_retractions
(
    meter LowCardinality(String),
    customer String,
    window_start DateTime('UTC'),
    source String,
    id String,
    cut UInt32 COMMENT 'the first cut that no longer counts the event',
    shard UInt16,
    incarnation UInt64,
    seq UInt64 COMMENT 'sequence of the retracting event'
)
ENGINE = MergeTree
ORDER BY (meter, customer, window_start, source, id)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
-- One row per committed batch, written after its insert: the plan, what came of it, and when it was stored.
-- Ranges of a shard's incarnation tile the stream from its first sequence without gap or overlap.
CREATE TABLE IF NOT EXISTS meterline.sink_batches
(
    shard UInt16,
    incarnation UInt64,
    first UInt64,
    last UInt64,
    cut UInt32,
    catalog_seq UInt64 COMMENT 'journal head the verdicts were decided with',
    decoder_rev UInt16,
    planned_at DateTime64(3, 'UTC'),
    messages UInt64,
    rows UInt64,
    accepted UInt64,
    duplicate UInt64,
    conflict UInt64,
    rejected UInt64,
    sha256 String COMMENT 'of the encoded rows',
    last_message_at DateTime64(9, 'UTC') COMMENT 'when the stream took the message at last',
    last_message_sha256 String COMMENT 'of the body of the message at last',
    epoch UInt64,
    holder String,
    stored_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (shard, incarnation, first)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
-- The fence: a writer's insert fails when a newer epoch has put its row here.
CREATE TABLE IF NOT EXISTS meterline.sink_fence
(
    shard UInt16,
    epoch UInt64,
    holder String,
    taken_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (shard, epoch);
