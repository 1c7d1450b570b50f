-- No event of this release takes usage back, so usage_retractions is empty: a row in it would make events vanish from what is billed.
SELECT 'usage_retractions' AS table_name,
    concat(meter, ' ', customer, ' ', formatDateTime(window_start, '%FT%TZ', 'UTC'), ' ', source, ' ', id) AS row_key,
    'no event takes this usage back' AS problem
FROM meterline.usage_retractions
ORDER BY row_key
LIMIT {limit: UInt32};
