-- Meters of which something was taken back or replaced as of the cut, and the first and last customer whose it was. Of all others the windows say all.
-- From the tables below dirty_windows_as_of: planning a view costs more than reading these.
SELECT meter, min(customer) AS first, max(customer) AS last
FROM
(
    SELECT meter, customer FROM meterline.usage_retractions WHERE cut <= {cut:UInt32}
    UNION ALL
    SELECT meter, customer FROM meterline.usage_replacements WHERE cut <= {cut:UInt32}
)
GROUP BY meter
