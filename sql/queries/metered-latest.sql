-- The value of the latest event by (time, source, id) per customer of a meter in [from, to) as of a cut.
SELECT customer, toString(tupleElement(max(latest), 4)) AS quantity
FROM meterline.usage_window_latest_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND {{asked}}
GROUP BY customer
ORDER BY customer
