-- event_retractions holds every accepted void and amend, as its bytes say it: which event it takes back, and of which customer and time the
-- amended event is. That event was accepted before, from the same source and for the same customer, and is no void or amend itself; where a
-- void or amend was rejected because it was not, there was none. Decoder revisions before 2 knew no voids.
WITH
    decided AS
    (
        SELECT incarnation, seq, position, type, customer, verdict, reason, cut, catalog_seq, CAST(source AS String) AS source, id, body_hash,
            usage_document(raw) AS document, usage_text_at(document, '/data/id') AS target_id,
            reinterpretAsUInt128(substring(SHA256(concat(toString(length(source)), ':', source, target_id)), 1, 16)) AS target_key
        FROM meterline.usage_events_raw AS r
        INNER JOIN
        (
            SELECT first AS batch_first, catalog_seq FROM meterline.sink_batches
            WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND decoder_rev >= 2
        ) AS b ON b.batch_first = r.batch_first
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
            AND type IN ('meterline.void', 'meterline.amend') AND (verdict = 'accepted' OR reason = 'target_unknown')
    ),
    targets AS
    (
        SELECT event_key, incarnation AS target_incarnation, seq AS target_seq, position AS target_position, type AS target_type,
            customer AS target_customer, event_time AS target_time, true AS found
        FROM meterline.usage_events_raw AS r
        WHERE shard = {shard: UInt16} AND verdict = 'accepted' AND (r.incarnation, r.seq, r.position) IN
            (SELECT incarnation, seq, position FROM meterline.event_keys WHERE shard = {shard: UInt16} AND event_key IN (SELECT target_key FROM decided))
    ),
    customers AS
    (
        SELECT arrayJoin(arrayConcat([key], JSONExtract(definition, 'aliases', 'Array(String)'))) AS name, key, removed, journal_seq AS valid_from,
            leadInFrame(journal_seq, 1, toUInt64(18446744073709551615))
                OVER (PARTITION BY key ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS valid_until
        FROM
        (
            SELECT key, definition, removed, journal_seq, version
            FROM meterline.catalog_versions FINAL
            WHERE kind = 'customer'
        )
    ),
    expected AS
    (
        SELECT d.incarnation AS incarnation, d.seq AS seq, d.position AS position, d.verdict AS verdict, d.source AS source, d.id AS id, d.type AS type,
            d.cut AS cut, d.body_hash AS body_hash, d.target_id AS target_id, d.target_key AS target_key,
            t.found AND (t.target_incarnation, t.target_seq, t.target_position) < (d.incarnation, d.seq, d.position) AS was_accepted,
            t.target_type IN ('meterline.void', 'meterline.amend') AS is_retraction, t.target_customer = d.customer AS same_customer,
            d.type = 'meterline.amend' AS amends, usage_text_at(d.document, '/data/subject') AS new_subject, usage_text_at(d.document, '/data/time') AS new_time,
            multiIf(NOT amends, '', new_subject = '', t.target_customer, c.key) AS amended_customer,
            multiIf(NOT amends, toDateTime64(0, 9, 'UTC'), new_time = '', t.target_time, parseDateTime64BestEffortOrZero(upper(new_time), 9, 'UTC')) AS amended_time
        FROM decided AS d
        LEFT JOIN targets AS t ON t.event_key = d.target_key
        LEFT JOIN customers AS c ON c.name = usage_text_at(d.document, '/data/subject')
        WHERE c.key = '' OR (d.catalog_seq >= c.valid_from AND d.catalog_seq < c.valid_until AND NOT c.removed)
    )
SELECT 'event_retractions' AS table_name,
    concat(toString({shard: UInt16}), '/', toString(incarnation), '/', toString(seq), '/', toString(position)) AS row_key,
    multiIf(
        refused > 0, 'rejected, but the event that it names was accepted before it',
        wanted = 0, 'the row belongs to no accepted void or amend',
        found = 0, 'an accepted void or amend lacks its row',
        found > 1, concat('the row is there ', toString(found), ' times'),
        contents != 1, 'the row is not what the bytes give',
        wrong) AS problem
FROM
(
    SELECT incarnation, seq, position, countIf(origin = 'expected') AS wanted, countIf(origin = 'stored') AS found, countIf(origin = 'refused') AS refused,
        uniqExactIf(content, origin != 'refused') AS contents, max(problem) AS wrong
    FROM
    (
        SELECT if(verdict = 'accepted', 'expected', 'refused') AS origin, incarnation, seq, position,
            cityHash64(source, id, CAST(type AS String), cut, body_hash, target_id, target_key, amended_customer, amended_time) AS content,
            multiIf(verdict != 'accepted', '', NOT was_accepted, 'the event that it names was not accepted before it',
                is_retraction, 'it names a void or an amend', NOT same_customer, 'the event that it names is another customer''s', '') AS problem
        FROM expected
        WHERE verdict = 'accepted' OR was_accepted
        UNION ALL
        SELECT 'stored', incarnation, seq, position,
            cityHash64(CAST(source AS String), id, CAST(type AS String), cut, body_hash, target_id, target_key, customer, event_time), ''
        FROM meterline.event_retractions
        WHERE shard = {shard: UInt16} AND incarnation = {incarnation: UInt64} AND seq BETWEEN {first: UInt64} AND {last: UInt64}
    )
    GROUP BY incarnation, seq, position
)
WHERE refused > 0 OR wanted != 1 OR found != 1 OR contents != 1 OR wrong != ''
ORDER BY seq, position
LIMIT {limit: UInt32};
