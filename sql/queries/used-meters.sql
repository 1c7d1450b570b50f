-- Combinations of meter and dimensions that customers used in [from, to) as of a cut, within all of the hours.
SELECT customer, meter, CAST(dimensions AS Map(String, String)) AS dimensions
FROM meterline.usage_windows_as_of(cut = {cut:UInt32})
WHERE window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND arrayAll(limits -> usage_hours_fit(limits, window_start), {hours:Array(String)})
    AND customer >= {customer_from:String} AND customer <= {customer_to:String}
    AND (empty({customers:Array(String)}) OR customer IN {customers:Array(String)})
GROUP BY customer, meter, dimensions
HAVING sum(event_count) > 0
ORDER BY customer, meter, dimensions
