-- The base windows behind a line, as of its cut, with their part of the digest.
SELECT toUnixTimestamp(window_start) AS window_start, toString(sum(event_count)) AS event_count,
    if({aggregation: String} IN ('count', 'sum'), toString(sum(quantity_sum)), '') AS quantity,
    leftPad(lower(hex(sum(events_digest))), 64, '0') AS events_digest
FROM meterline.usage_windows_as_of(cut = {cut: UInt32})
WHERE meter = {meter: String} AND customer = {customer: String}
    AND window_start >= toDateTime({period_from: UInt32}, 'UTC') AND window_start < toDateTime({period_to: UInt32}, 'UTC')
    AND arrayAll((name, value) -> dimensions[name] = value, {where_names: Array(String)}, {where_values: Array(String)})
    AND usage_dimensions_fit({limits: String}, dimensions)
    AND usage_hours_fit({limits: String}, window_start)
GROUP BY window_start
ORDER BY window_start
