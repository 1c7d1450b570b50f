-- Distinct values per customer of a meter in [from, to) within one UTC day as of a cut: a day's rows cannot tell what lies between their
-- first and last window, so the events say it.
SELECT customer, toString(uniqExact(text)) AS quantity
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND {{asked}}
GROUP BY customer
ORDER BY customer
