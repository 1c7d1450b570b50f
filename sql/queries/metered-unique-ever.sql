-- Values that appear for the first time in [from, to), per customer of a meter as of a cut, over all dimensions that match. Each row has an event in its
-- first window, so the least of a value's is where it appeared first.
SELECT customer, toString(countIf(appeared >= toDateTime({from:UInt32}, 'UTC'))) AS quantity
FROM
(
    SELECT customer, value_hash, min(first_window) AS appeared
    FROM meterline.usage_unique_values_as_of(cut = {cut:UInt32})
    WHERE meter = {meter:String}
        AND day <= toDate(toDateTime({to:UInt32}, 'UTC'), 'UTC') AND first_window < toDateTime({to:UInt32}, 'UTC')
        AND {{asked}}
    GROUP BY customer, value_hash
)
GROUP BY customer
ORDER BY customer
