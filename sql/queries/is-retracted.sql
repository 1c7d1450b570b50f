-- A row where something of the meter was taken back or replaced as of the cut; none where the windows say all.
SELECT 1 AS found
FROM meterline.dirty_windows_as_of(cut = {cut:UInt32})
WHERE meter = {meter:String} AND customer >= {customer_from:String} AND customer <= {customer_to:String}
LIMIT 1
