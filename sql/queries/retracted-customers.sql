-- Meters of which something was taken back or replaced as of the cut, and the first and last customer whose it was. Of all others the windows say all.
SELECT meter, min(customer) AS first, max(customer) AS last
FROM meterline.dirty_windows_as_of(cut = {cut:UInt32})
GROUP BY meter
