-- The base windows behind a line, as of its cut, with their part of the digest. Where the line rests on all that came before (counted_from is 0), the windows
-- before its period are one row, at 0, with the total or level that the period begins with.
SELECT if(w.window_start < toDateTime({period_from: UInt32}, 'UTC'), 0, toUnixTimestamp(w.window_start)) AS window_start,
    toString(sum(event_count)) AS event_count,
    if({aggregation: String} IN ('count', 'sum') OR (window_start = 0 AND {aggregation: String} = 'time_weighted_sum'),
        toString(sum(quantity_sum)), '') AS quantity,
    leftPad(lower(hex(sum(events_digest))), 64, '0') AS events_digest
FROM meterline.usage_windows_as_of(cut = {cut: UInt32}) AS w
WHERE meter = {meter: String} AND customer = {customer: String}
    AND w.window_start >= toDateTime({counted_from: UInt32}, 'UTC') AND w.window_start < toDateTime({period_to: UInt32}, 'UTC')
    AND arrayAll((name, value) -> dimensions[name] = value, {where_names: Array(String)}, {where_values: Array(String)})
    AND usage_dimensions_fit({limits: String}, dimensions)
    AND usage_hours_fit({limits: String}, w.window_start)
GROUP BY window_start
ORDER BY window_start
