-- The definition of a meter. It never changes, so the latest version only tells whether the meter was removed.
SELECT definition
FROM meterline.catalog_versions FINAL
WHERE kind = 'meter' AND key = {meter: String}
ORDER BY version DESC
LIMIT 1
