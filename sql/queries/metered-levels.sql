-- The integral of the level over [from, to) per customer, in units times nanoseconds: each value changes the level at its time. It is 0 at `from`, or,
-- for a recurring meter (counted_from = 0), what all earlier values add up to, which holds for the whole period. The mean level is this over
-- (to - from); the division is the caller's, who rounds. Decimal256 holds 58 digits before the point: a level of 20 digits over a century has 39.
SELECT customer, toString(sum(
    delta_sum * (toInt256({to:UInt32}) - greatest(toInt256({from:UInt32}), toInt256(toUnixTimestamp(window_start)))) * toInt256(1000000000)
        - if(window_start >= toDateTime({from:UInt32}, 'UTC'), delta_moment, toDecimal256(0, 18)))) AS quantity
FROM meterline.usage_window_levels_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({counted_from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND {{asked}}
GROUP BY customer
ORDER BY customer
