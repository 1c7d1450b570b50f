-- The digest of the single events behind a line (counted_from is 0 where it rests on all that came before), from usage_events and not from any window: what the stored digest must equal.
-- Each event's body hash is in usage_events_raw, at the same place in the stream; asked for by name, only these places are read, whatever the engine makes of the join.
WITH counted AS
(
    SELECT meter, customer, dimensions, source, id, event_time, quantity, text, shard, incarnation, seq, position
    FROM meterline.usage_events_as_of(cut = {cut: UInt32})
    WHERE meter = {meter: String} AND customer = {customer: String}
        AND window_start >= toDateTime({counted_from: UInt32}, 'UTC') AND window_start < toDateTime({period_to: UInt32}, 'UTC')
        AND arrayAll((name, value) -> dimensions[name] = value, {where_names: Array(String)}, {where_values: Array(String)})
        AND usage_dimensions_fit({limits: String}, dimensions)
        AND usage_hours_fit({limits: String}, window_start)
)
SELECT toString(count()) AS event_count,
    leftPad(lower(hex(sum(usage_event_leaf(e.source, e.id, b.body_hash, e.customer, e.meter, e.dimensions, e.event_time, e.quantity, e.text)))), 64, '0') AS events_digest
FROM
(
    SELECT shard, incarnation, seq, position, body_hash
    FROM meterline.usage_events_raw
    WHERE (shard, incarnation, seq, position) IN (SELECT shard, incarnation, seq, position FROM counted)
) AS b
RIGHT ANY JOIN counted AS e ON b.shard = e.shard AND b.incarnation = e.incarnation AND b.seq = e.seq AND b.position = e.position
