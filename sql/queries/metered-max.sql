-- The greatest value per customer of a meter in [from, to) as of a cut.
SELECT customer, toString(max(maximum)) AS quantity
FROM meterline.usage_window_extremes_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND {{asked}}
GROUP BY customer
ORDER BY customer
