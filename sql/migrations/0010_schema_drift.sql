-- Which fields the events of a type have, by day, so that new, missing and retyped ones are seen before somebody is billed wrongly.
-- Measured on a sample, the first 16 events of each type in a batch: counting the fields of all would cost more than storing the events does.
-- A view of the chain that throws would stop the chain: none of these functions does, whatever the bytes are.

-- The event's text with every number made a 0: ClickHouse's JSON functions give up on numbers that no binary format holds. A pass over strings and numbers
-- marks the end of both; \x01 cannot stand in valid JSON, so the marks behind strings fall away unambiguously.
CREATE FUNCTION IF NOT EXISTS usage_shape AS (raw) ->
    replaceAll(replaceAll(replaceRegexpAll(raw, '("(?:[^"\\\\]|\\\\.)*")|-?[0-9][0-9.eE+-]*', '\\1\x01'), '"\x01', '"'), '\x01', '0');

-- @statement
-- The JSON type of a value's text, by its first character.
CREATE FUNCTION IF NOT EXISTS usage_json_type AS (value) ->
    transform(substring(value, 1, 1), ['{', '[', '"', 't', 'f', 'n'], ['object', 'array', 'string', 'boolean', 'boolean', 'null'], 'number');

-- @statement
-- The members of an object as (pointer, value): at most 256, because names may be anything.
CREATE FUNCTION IF NOT EXISTS usage_members AS (prefix, value) ->
    arraySlice(arrayMap(member -> (concat(prefix, '/', replaceAll(replaceAll(substring(member.1, 1, 128), '~', '~0'), '/', '~1')), member.2),
        JSONExtractKeysAndValuesRaw(value)), 1, 256);

-- @statement
CREATE TABLE IF NOT EXISTS meterline.event_fields
(
    type LowCardinality(String),
    day Date COMMENT 'UTC day of the first arrival',
    path String COMMENT 'JSON pointer into the event: /data and up to two names below it; empty for the event itself',
    json_type LowCardinality(String) COMMENT 'null, boolean, number, string, array or object',
    events SimpleAggregateFunction(sum, UInt64) COMMENT 'events of the sample that have it',
    first_arrival SimpleAggregateFunction(min, DateTime64(9, 'UTC')),
    last_arrival SimpleAggregateFunction(max, DateTime64(9, 'UTC'))
)
ENGINE = AggregatingMergeTree
-- A type's last days are one range.
ORDER BY (type, day, path, json_type)
SETTINGS non_replicated_deduplication_window = 100000;

-- @statement
CREATE MATERIALIZED VIEW IF NOT EXISTS meterline.event_fields_mv TO meterline.event_fields AS
SELECT type, toDate(arrival, 'UTC') AS day, field.1 AS path, usage_json_type(field.2) AS json_type, count() AS events,
    min(arrival) AS first_arrival, max(arrival) AS last_arrival
FROM
(
    SELECT type, usage_arrival(subject, reason, ingested_at) AS arrival, JSONExtractRaw(usage_shape(raw), 'data') AS data,
        usage_members('/data', data) AS members,
        arraySlice(arrayFlatten(arrayMap(parent -> usage_members(parent.1, parent.2), arrayFilter(parent -> startsWith(parent.2, '{'), members))), 1, 1024) AS inner_members
    -- The sample first: what stands beside a LIMIT is computed for every row (measured: 30 ms more per 5,000 events).
    FROM
    (
        SELECT type, subject, reason, ingested_at, raw
        FROM meterline.usage_ingest
        WHERE verdict != 'duplicate' AND type != ''
        LIMIT 16 BY type
    )
)
ARRAY JOIN arrayConcat([('', '{')], if(data = '', [], [('/data', data)]), members, inner_members) AS field
GROUP BY type, day, path, json_type;

-- @statement
-- The last day of each type against the seven days before it on which it came.
CREATE VIEW IF NOT EXISTS finance.schema_drift
(
    type String COMMENT 'event type',
    path String COMMENT 'JSON pointer to the field in the event',
    drift String COMMENT 'new (no event had it before), missing (no event has it now), retyped (has a JSON type that it did not have before)',
    json_types String COMMENT 'its JSON types on the last day; empty when missing',
    json_types_before String COMMENT 'its JSON types before; empty when new',
    day Date COMMENT 'last day on which events of the type arrived (UTC)',
    events UInt64 COMMENT 'events of the sample on that day that have the field',
    sampled UInt64 COMMENT 'events in the sample of that day',
    events_before UInt64 COMMENT 'events of the sample of the days before that have the field',
    sampled_before UInt64 COMMENT 'events in the sample of the days before: at most seven, the last of them a week earlier',
    first_arrival Nullable(DateTime64(9, 'UTC')) COMMENT 'when the first event of the last day with it arrived; null when missing',
    last_arrival Nullable(DateTime64(9, 'UTC')) COMMENT 'when the last event with it arrived'
) AS
WITH
    lasts AS (SELECT type, max(day) AS last_day FROM meterline.event_fields GROUP BY type),
    fields AS
    (
        SELECT f.type AS type, f.path AS path, f.json_type AS json_type, l.last_day AS last_day, f.day = l.last_day AS is_now,
            sum(f.events) AS events, min(f.first_arrival) AS first_arrival, max(f.last_arrival) AS last_arrival
        FROM meterline.event_fields AS f
        INNER JOIN lasts AS l ON l.type = f.type
        WHERE f.day >= l.last_day - 7
        GROUP BY type, path, json_type, last_day, is_now
    ),
    samples AS
    (
        SELECT type, sumIf(events, is_now) AS sampled, sumIf(events, NOT is_now) AS sampled_before
        FROM fields
        WHERE path = ''
        GROUP BY type
    )
SELECT CAST(p.type AS String) AS type, p.path AS path,
    multiIf(empty(p.types_before), 'new', empty(p.types), 'missing', 'retyped') AS drift,
    arrayStringConcat(p.types, ', ') AS json_types, arrayStringConcat(p.types_before, ', ') AS json_types_before,
    p.last_day AS day, p.events AS events, s.sampled AS sampled, p.events_before AS events_before, s.sampled_before AS sampled_before,
    p.first_arrival AS first_arrival, p.last_arrival AS last_arrival
FROM
(
    SELECT type, path, last_day,
        arraySort(groupUniqArrayIf(CAST(json_type AS String), is_now)) AS types,
        arraySort(groupUniqArrayIf(CAST(json_type AS String), NOT is_now)) AS types_before,
        sumIf(fields.events, is_now) AS events, sumIf(fields.events, NOT is_now) AS events_before,
        minOrNullIf(fields.first_arrival, is_now) AS first_arrival, maxOrNull(fields.last_arrival) AS last_arrival
    FROM fields
    WHERE path != ''
    GROUP BY type, path, last_day
) AS p
INNER JOIN samples AS s ON s.type = p.type
WHERE s.sampled_before > 0 AND NOT hasAll(p.types_before, p.types) OR s.sampled_before > 0 AND empty(p.types);

-- @statement
ALTER TABLE finance.schema_drift MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
