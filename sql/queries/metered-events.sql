-- The single events of a meter in [from, to) as of a cut, in the order in which prices over single events take them. Beyond a gigabyte the
-- sort goes through files.
SELECT customer, toString(quantity) AS quantity, window_start < toDateTime({earlier_than:UInt32}, 'UTC') AS earlier
FROM meterline.usage_events_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String}
    AND window_start >= toDateTime({from:UInt32}, 'UTC') AND window_start < toDateTime({to:UInt32}, 'UTC')
    AND {{asked}}
ORDER BY customer, event_time, source, id
SETTINGS max_bytes_before_external_sort = 1000000000
