-- Distinct values per customer of a meter in [from, to) as of a cut, over all dimensions that match; counted_from (the period's from,
-- or 0 for a recurring meter) and to lie on two UTC days.
-- Each row has an event in its first and in its last window: so on the first day it counts if the last one is not before it, and on
-- the last day if the first one is before `to`.
SELECT customer, toString(uniqExact(value_hash)) AS quantity
FROM meterline.usage_unique_values_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND day >= toDate(toDateTime({counted_from:UInt32}, 'UTC'), 'UTC') AND day <= toDate(toDateTime({to:UInt32}, 'UTC'), 'UTC')
    AND (day > toDate(toDateTime({counted_from:UInt32}, 'UTC'), 'UTC') OR last_window >= toDateTime({counted_from:UInt32}, 'UTC'))
    AND (day < toDate(toDateTime({to:UInt32}, 'UTC'), 'UTC') OR first_window < toDateTime({to:UInt32}, 'UTC'))
    AND {{asked}}
GROUP BY customer
ORDER BY customer
