-- The value of the latest event by (time, source, id) per customer of a meter in [from, to) as of a cut.
SELECT customer, toString(tupleElement(max(latest), 4)) AS quantity
FROM meterline.usage_window_latest_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND arrayAll((name, value) -> dimensions[name] = value, {where_names:Array(String)}, {where_values:Array(String)})
    AND usage_dimensions_fit({limits:String}, dimensions)
    AND customer >= {customer_from:String} AND customer <= {customer_to:String}
    AND (empty({customers:Array(String)}) OR customer IN {customers:Array(String)})
GROUP BY customer
ORDER BY customer
