-- usage_replacements, and event_retractions.uses behind it, are what the bytes of the accepted amends and of their events give together, under
-- the meters that were in force when the event was decided: data, time and subject of the amend where it has them, all else of the event.
WITH
    meters AS
    (
        SELECT key, removed, journal_seq AS valid_from,
            leadInFrame(journal_seq, 1, toUInt64(18446744073709551615))
                OVER (PARTITION BY key ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS valid_until,
            JSONExtractString(definition, 'eventType') AS event_type,
            JSONExtractString(definition, 'aggregation') AS aggregation,
            JSONExtractString(definition, 'value') AS value_pointer,
            JSONExtractString(definition, 'whenMissing') = 'skip' AS skips,
            usage_conditions(definition) AS conditions,
            CAST(JSONExtract(definition, 'dimensions', 'Map(String, String)') AS Map(String, String)) AS dimension_pointers
        FROM meterline.catalog_versions FINAL
        WHERE kind = 'meter'
    ),
    amends AS
    (
        SELECT e.incarnation AS incarnation, e.seq AS seq, e.position AS position, e.target_key AS target_key, CAST(e.source AS String) AS source,
            e.target_id AS target_id, e.id AS amended_by, e.customer AS customer, e.event_time AS event_time, e.body_hash AS body_hash, e.cut AS cut,
            r.reason = 'value_skipped' AS skipped, usage_document(r.raw) AS document
        FROM meterline.event_retractions AS e
        INNER JOIN
        (
            SELECT incarnation, seq, position, reason, raw FROM meterline.usage_events_raw
            WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
                AND verdict = 'accepted' AND type = 'meterline.amend'
        ) AS r ON r.incarnation = e.incarnation AND r.seq = e.seq AND r.position = e.position
        WHERE e.shard = {shard: UInt16} AND e.incarnation = {incarnation: UInt64} AND e.seq BETWEEN {first: UInt64} AND {last: UInt64}
    ),
    targets AS
    (
        SELECT r.event_key AS event_key, r.type AS type, usage_document(r.raw) AS document, b.catalog_seq AS catalog_seq
        FROM meterline.usage_events_raw AS r
        INNER JOIN (SELECT incarnation, first, catalog_seq FROM meterline.sink_batches WHERE shard = {shard: UInt16}) AS b
            ON b.incarnation = r.incarnation AND b.first = r.batch_first
        WHERE r.shard = {shard: UInt16} AND r.verdict = 'accepted' AND (r.incarnation, r.seq, r.position) IN
            (SELECT incarnation, seq, position FROM meterline.event_keys WHERE shard = {shard: UInt16} AND event_key IN (SELECT target_key FROM amends))
    ),
    -- The value at a pointer of the amended event.
    expected AS
    (
        SELECT incarnation, seq, position, meter, may_be_absent, amended_by,
            cityHash64(aggregation, customer, event_time, source, target_id, body_hash, cut, amended_by,
                if(aggregation = 'count', '1', if(aggregation = 'unique_count', '0', toString(toDecimal128OrZero(value, 18)))),
                if(aggregation = 'unique_count', value, ''), arraySort(arrayMap((name, text) -> concat(name, '=', text), mapKeys(dimension_pointers), texts))) AS content
        FROM
        (
            SELECT a.incarnation AS incarnation, a.seq AS seq, a.position AS position, m.key AS meter, m.aggregation AS aggregation, a.customer AS customer,
                a.event_time AS event_time, a.source AS source, a.target_id AS target_id, a.body_hash AS body_hash, a.cut AS cut, a.amended_by AS amended_by,
                m.skips AND a.skipped AS may_be_absent, m.dimension_pointers AS dimension_pointers, m.conditions AS conditions,
                arrayMap(pointer -> if(
                    (startsWith(concat(pointer, '/'), '/data/') AND usage_json_at(a.document, '/data/data') != '')
                        OR (pointer IN ('/time', '/subject') AND usage_text_at(a.document, concat('/data', pointer)) != ''),
                    usage_json_at(a.document, concat('/data', pointer)), usage_json_at(t.document, pointer)),
                    arrayConcat([m.value_pointer], mapValues(m.dimension_pointers), arrayMap(condition -> condition.1, m.conditions))) AS read,
                if(m.aggregation = 'count', '1', usage_text_of(read[1])) AS value,
                arrayMap(node -> usage_text_of(node), arraySlice(read, 2, length(m.dimension_pointers))) AS texts,
                arraySlice(read, 2 + length(m.dimension_pointers)) AS nodes
            FROM amends AS a
            INNER JOIN targets AS t ON t.event_key = a.target_key
            INNER JOIN meters AS m ON m.event_type = t.type
            WHERE t.catalog_seq >= m.valid_from AND t.catalog_seq < m.valid_until AND NOT m.removed
        )
        WHERE value != '' AND arrayAll((condition, node) -> usage_condition_holds(condition, node), conditions, nodes)
    )
SELECT 'usage_replacements' AS table_name,
    concat(toString({shard: UInt16}), '/', toString(incarnation), '/', toString(seq), '/', toString(position), ' ', meter) AS row_key,
    multiIf(found = 0, 'an amend lacks its row', wanted = 0, 'the row belongs to no accepted amend and meter',
        found > 1, concat('the row is there ', toString(found), ' times'), NOT well_placed, 'window_start is not the window of event_time',
        used != 1, 'event_retractions.uses does not have it', 'the row is not what the bytes of the amend and its event give') AS problem
FROM
(
    SELECT incarnation, seq, position, meter, countIf(origin = 'expected') AS wanted, countIf(origin = 'stored') AS found, countIf(origin = 'use') AS used,
        uniqExact(content) AS contents, min(in_window) AS well_placed, max(may_be_absent) AS absence_allowed
    FROM
    (
        SELECT 'expected' AS origin, incarnation, seq, position, meter, content, toUInt8(1) AS in_window, may_be_absent FROM expected
        UNION ALL
        SELECT 'use', incarnation, seq, position, use.1,
            cityHash64(use.2, customer, event_time, CAST(source AS String), target_id, body_hash, cut, id, toString(use.3), use.4,
                arraySort(arrayMap((name, text) -> concat(name, '=', text), mapKeys(use.5), mapValues(use.5)))),
            1, false
        FROM meterline.event_retractions ARRAY JOIN uses AS use
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
        UNION ALL
        SELECT 'stored', incarnation, seq, position, CAST(meter AS String),
            cityHash64(CAST(aggregation AS String), customer, event_time, CAST(source AS String), id, body_hash, cut, amended_by, toString(quantity), text,
                arraySort(arrayMap((name, value) -> concat(name, '=', value), CAST(mapKeys(dimensions) AS Array(String)), mapValues(dimensions)))),
            toUInt8(window_start = toDateTime(intDiv(toUnixTimestamp64Second(event_time), 900) * 900, 'UTC')), false
        FROM meterline.usage_replacements
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
    )
    GROUP BY incarnation, seq, position, meter
)
WHERE NOT (absence_allowed AND found = 0 AND used = 0) AND (wanted != 1 OR found != 1 OR used != 1 OR contents != 1 OR NOT well_placed)
ORDER BY row_key
LIMIT {limit: UInt32};
