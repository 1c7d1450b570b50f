-- Combinations of meter and dimensions that customers used in [from, to) as of a cut, within all of the hours. Recurring meters are used, too, by
-- what the period begins with: a total or level other than 0, or values that were there before. Without any, counted_from is `from`.
SELECT customer, meter, CAST(dimensions AS Map(String, String)) AS dimensions
FROM meterline.usage_windows_as_of(cut = {cut:UInt32})
WHERE window_start >= toDateTime({counted_from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND (window_start >= toDateTime({from:UInt32}, 'UTC') OR meter IN {recurring_totals:Array(String)} OR meter IN {recurring_values:Array(String)})
    AND arrayAll(limits -> usage_hours_fit(limits, window_start), {hours:Array(String)})
    AND customer >= {customer_from:String} AND customer <= {customer_to:String}
    AND (empty({customers:Array(String)}) OR customer IN {customers:Array(String)})
GROUP BY customer, meter, dimensions
HAVING sumIf(event_count, window_start >= toDateTime({from:UInt32}, 'UTC')) > 0
    OR (meter IN {recurring_totals:Array(String)} AND sumIf(quantity_sum, window_start < toDateTime({from:UInt32}, 'UTC')) != 0)
    OR (meter IN {recurring_values:Array(String)} AND sum(event_count) > 0)
ORDER BY customer, meter, dimensions
