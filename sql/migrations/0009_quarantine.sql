-- Quarantine: rejected events stay in usage_events_raw with their bytes, and a replay brings one in again.
--
--   usage_ingest
--     └─► usage_replays                which rejected row a replay stands for
--
-- A replay's subject says what it stands for: quarantine.<producer>.<incarnation>.<seq>.<position>.<arrival in nanoseconds>. Its row is decided and counted
-- like any other; the row that it stands for keeps its verdict in usage_events_raw, which never changes, and is shown as replayed.
-- So each event is counted in one verdict, and those of all stored messages add up.

-- When the stream took an event first. A message that only pretends to be a replay has arrived when it came.
CREATE FUNCTION IF NOT EXISTS usage_arrival AS (subject, reason, ingested_at) ->
    if(startsWith(subject, 'quarantine.') AND reason != 'replay_invalid',
        fromUnixTimestamp64Nano(toInt64OrZero(splitByChar('.', CAST(subject AS String))[6]), 'UTC'), ingested_at);

-- @statement
-- Asked whether a rejected row was replayed, so that row comes first; it may have been replayed twice.
CREATE TABLE IF NOT EXISTS meterline.usage_replays
(
    shard UInt16,
    origin_incarnation UInt64 COMMENT 'with origin_seq and origin_position the rejected row',
    origin_seq UInt64,
    origin_position UInt32,
    incarnation UInt64 COMMENT 'with seq and position the row of the replay',
    seq UInt64,
    position UInt32,
    arrived_at DateTime64(9, 'UTC') COMMENT 'when the stream took the event first',
    ingested_at DateTime64(9, 'UTC') COMMENT 'when the stream took the replay'
)
ENGINE = MergeTree
ORDER BY (shard, origin_incarnation, origin_seq, origin_position, incarnation, seq, position)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.usage_replays_mv TO meterline.usage_replays AS
SELECT
    shard,
    toUInt64OrZero(splitByChar('.', subject)[3]) AS origin_incarnation,
    toUInt64OrZero(splitByChar('.', subject)[4]) AS origin_seq,
    toUInt32OrZero(splitByChar('.', subject)[5]) AS origin_position,
    incarnation, seq, position,
    usage_arrival(subject, reason, ingested_at) AS arrived_at,
    ingested_at
FROM meterline.usage_ingest
WHERE startsWith(subject, 'quarantine.') AND reason != 'replay_invalid';

-- @statement
CREATE OR REPLACE VIEW finance.event_verdicts
(
    source String COMMENT 'source of the event; with id its identity',
    id String COMMENT 'id of the event; empty when it could not be read',
    customer String COMMENT 'key of the customer; the event''s subject when no customer has it',
    type String COMMENT 'type of the event',
    verdict String COMMENT 'accepted, duplicate (same again), conflict (same identity, other content), rejected, or replayed (rejected first, then brought in again: that is a row of its own); only accepted is billed',
    reason String COMMENT 'why, as a stable code; unmetered for an accepted event that no meter uses',
    detail String COMMENT 'what was wrong where',
    event_time DateTime64(9, 'UTC') COMMENT 'time of the event, or of its arrival when it has none',
    ingested_at DateTime64(9, 'UTC') COMMENT 'when the stream took its message; of a replay, when it took the event first',
    stored_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when its batch was committed; null while that is going on',
    subject String COMMENT 'subject it was published to',
    shard UInt16 COMMENT 'number of the stream',
    incarnation UInt64 COMMENT 'creation time of the stream in nanoseconds',
    seq UInt64 COMMENT 'sequence of its message in the stream',
    position UInt32 COMMENT 'place in that message, from 0',
    cut UInt32 COMMENT 'cut in which it was stored'
) AS
SELECT e.source AS source, e.id AS id, e.customer AS customer, e.type AS type,
    if(e.verdict = 'rejected' AND (e.shard, e.incarnation, e.seq, e.position) IN
        (SELECT shard, origin_incarnation, origin_seq, origin_position FROM meterline.usage_replays), 'replayed', toString(e.verdict)) AS verdict,
    e.reason AS reason, e.detail AS detail, e.event_time AS event_time, usage_arrival(e.subject, e.reason, e.ingested_at) AS ingested_at,
    nullIf(b.stored_at, toDateTime64(0, 3, 'UTC')) AS stored_at, e.subject AS subject, e.shard AS shard, e.incarnation AS incarnation,
    e.seq AS seq, e.position AS position, e.cut AS cut
FROM meterline.usage_events_raw AS e
ANY LEFT JOIN meterline.sink_batches AS b ON b.shard = e.shard AND b.incarnation = e.incarnation AND b.first = e.batch_first;

-- @statement
ALTER TABLE finance.event_verdicts MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
-- The producer of a subject is its second token, in which ~ and two hex digits stand for a byte.
CREATE VIEW IF NOT EXISTS finance.quarantine
(
    producer String COMMENT 'who published the events: the source that the subject names',
    reason String COMMENT 'why they were rejected, as a stable code',
    events UInt64 COMMENT 'rejected events that nobody has replayed',
    replayed UInt64 COMMENT 'rejected events that were replayed',
    first_ingested_at Nullable(DateTime64(9, 'UTC')) COMMENT 'when the first of those not replayed arrived; null when there is none',
    last_ingested_at Nullable(DateTime64(9, 'UTC')) COMMENT 'when the last of those not replayed arrived; null when there is none'
) AS
SELECT decodeURLComponent(replaceAll(splitByChar('.', subject)[2], '~', '%')) AS producer, reason,
    countIf(verdict = 'rejected') AS events,
    countIf(verdict = 'replayed') AS replayed,
    minOrNullIf(ingested_at, verdict = 'rejected') AS first_ingested_at,
    maxOrNullIf(ingested_at, verdict = 'rejected') AS last_ingested_at
FROM finance.event_verdicts
WHERE verdict IN ('rejected', 'replayed')
GROUP BY producer, reason;

-- @statement
ALTER TABLE finance.quarantine MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
