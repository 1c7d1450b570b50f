-- Quantities of a meter of count or sum per customer and value of some dimensions in [from, to) as of a cut.
SELECT customer, arrayMap(name -> dimensions[name], {by:Array(String)}) AS cell, toString(sum(quantity_sum)) AS quantity
FROM meterline.usage_windows_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND {{asked}}
GROUP BY customer, cell
HAVING sum(event_count) > 0
ORDER BY customer, cell
