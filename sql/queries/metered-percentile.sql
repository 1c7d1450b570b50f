-- The percentile by nearest rank per customer of a meter in [from, to) as of a cut: the smallest value that so many percent of the values do not
-- exceed. {percentile} is in thousandths of a percent, so that ranks are whole numbers. From the single events, because no smaller state is exact;
-- values that repeat are counted first, so that what is sorted are the distinct ones.
SELECT customer, toString(min(value)) AS quantity
FROM
(
    SELECT customer, value, sum(events) OVER (PARTITION BY customer ORDER BY value ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS rank,
        sum(events) OVER (PARTITION BY customer) AS total
    FROM
    (
        SELECT customer, e.quantity AS value, count() AS events
        FROM meterline.usage_events_as_of(cut = {cut:UInt32}) AS e
        WHERE meter = {meter:String}
            AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
            AND {{asked}}
        GROUP BY customer, value
    )
)
WHERE rank * 100000 >= total * {percentile:UInt32}
GROUP BY customer
ORDER BY customer
