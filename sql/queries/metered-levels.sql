-- The integral of the level over [from, to) per customer, in units times nanoseconds: the level is 0 at `from`, and each value changes it
-- at its time. The mean level is this over (to - from); the division is the caller's, who rounds. Decimal256 holds 58 digits before the
-- point: a level of 20 digits over a century has 39.
SELECT customer, toString(sum(delta_sum * toInt256({to:UInt32} - toInt64(toUnixTimestamp(window_start))) * toInt256(1000000000) - delta_moment)) AS quantity
FROM meterline.usage_window_levels_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND arrayAll((name, value) -> dimensions[name] = value, {where_names:Array(String)}, {where_values:Array(String)})
    AND usage_dimensions_fit({limits:String}, dimensions)
    AND customer >= {customer_from:String} AND customer <= {customer_to:String}
    AND (empty({customers:Array(String)}) OR customer IN {customers:Array(String)})
GROUP BY customer
ORDER BY customer
