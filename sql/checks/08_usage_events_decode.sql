-- usage_events is what the bytes of the accepted events give under the meters that were in force when their batch was decided: decoded
-- again here, in SQL. A meter's filter leaves the events out that do not fit it. A meter that says `whenMissing: skip` lets an event pass whose value is missing, or wrong (reason value_skipped).
-- Since decoder revision 2 no meter counts voids and amends.
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
            usage_expression_program(JSONExtractString(definition, 'expression')) AS program,
            CAST(JSONExtract(definition, 'dimensions', 'Map(String, String)') AS Map(String, String)) AS dimension_pointers
        FROM meterline.catalog_versions FINAL
        WHERE kind = 'meter'
    ),
    expected AS
    (
        SELECT shard, incarnation, seq, position, meter, may_be_absent,
            cityHash64(meter, aggregation, customer, event_time, source, id, cut,
                if(aggregation = 'count', '1', if(aggregation = 'unique_count', '0', toString(toDecimal128OrZero(value, 18)))),
                if(aggregation = 'unique_count', value, ''),
                arraySort(arrayMap((name, pointer) -> concat(name, '=', usage_text_at(document, pointer)), mapKeys(dimension_pointers), mapValues(dimension_pointers)))) AS content
        FROM
        (
            SELECT r.shard AS shard, r.incarnation AS incarnation, r.seq AS seq, r.position AS position, m.key AS meter, m.aggregation AS aggregation,
                r.customer AS customer, r.event_time AS event_time, CAST(r.source AS String) AS source, r.id AS id, r.cut AS cut,
                m.skips AND r.reason = 'value_skipped' AS may_be_absent, usage_document(r.raw) AS document, m.dimension_pointers AS dimension_pointers,
                m.conditions AS conditions,
                multiIf(m.aggregation = 'count', '1', empty(m.program), usage_text_at(usage_document(r.raw), m.value_pointer),
                    usage_expression_value(m.program, arrayMap(word -> if(startsWith(word, '/'), usage_json_at(usage_document(r.raw), word), ''), m.program))) AS value
            FROM
            (
                SELECT * FROM meterline.usage_events_raw
                WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64} AND verdict = 'accepted'
            ) AS r
            INNER JOIN
            (
                SELECT first AS batch_first, catalog_seq, decoder_rev FROM meterline.sink_batches
                WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64}
            ) AS b ON b.batch_first = r.batch_first
            INNER JOIN meters AS m ON m.event_type = r.type
            WHERE b.catalog_seq >= m.valid_from AND b.catalog_seq < m.valid_until AND NOT m.removed
                AND (b.decoder_rev < 2 OR r.type NOT IN ('meterline.void', 'meterline.amend'))
        )
        WHERE value != '' AND arrayAll(condition -> usage_condition_holds(condition, usage_json_at(document, condition.1)), conditions)
    ),
    stored AS
    (
        SELECT shard, incarnation, seq, position, CAST(meter AS String) AS meter,
            cityHash64(CAST(meter AS String), CAST(aggregation AS String), customer, event_time, CAST(source AS String), id, cut,
                toString(quantity), text,
                arraySort(arrayMap((name, value) -> concat(name, '=', value), CAST(mapKeys(dimensions) AS Array(String)), mapValues(dimensions)))) AS content,
            window_start = toDateTime(intDiv(toUnixTimestamp64Second(event_time), 900) * 900, 'UTC') AS in_window
        FROM meterline.usage_events
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
    )
SELECT 'usage_events' AS table_name,
    concat(toString(shard), '/', toString(incarnation), '/', toString(seq), '/', toString(position), ' ', meter) AS row_key,
    multiIf(found = 0, 'an accepted event lacks its row', wanted = 0, 'the row belongs to no accepted event and meter',
        found > 1, concat('the row is there ', toString(found), ' times'), NOT well_placed, 'window_start is not the window of event_time',
        'the row is not what the event''s bytes give') AS problem
FROM
(
    SELECT shard, incarnation, seq, position, meter, countIf(origin = 'expected') AS wanted, countIf(origin = 'stored') AS found,
        uniqExact(content) AS contents, min(in_window) AS well_placed, max(may_be_absent) AS absence_allowed
    FROM
    (
        SELECT 'expected' AS origin, shard, incarnation, seq, position, meter, content, toUInt8(1) AS in_window, may_be_absent FROM expected
        UNION ALL
        SELECT 'stored', shard, incarnation, seq, position, meter, content, toUInt8(in_window), false FROM stored
    )
    GROUP BY shard, incarnation, seq, position, meter
)
WHERE NOT (absence_allowed AND found = 0) AND (wanted != 1 OR found != 1 OR contents != 1 OR NOT well_placed)
ORDER BY row_key
LIMIT {limit: UInt32};
