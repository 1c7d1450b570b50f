-- Merging usage_events cost more than writing it: 2.6 µs of a core per row and merge, of which 0.5 went into dictionaries of the dimensions' names, and as
-- much into carrying the other columns along with the key's (2026-11-28, ten parts of 68,000 rows). With plain names, and the other columns merged one
-- after the other, it is 1.4. Names repeat within a part, so compression makes of them what the dictionary did. Parts that are there are rewritten in the
-- background, and read as the new type until then.
ALTER TABLE meterline.usage_events MODIFY COLUMN dimensions Map(String, String) SETTINGS alter_sync = 0;

-- @statement
ALTER TABLE meterline.usage_events MODIFY SETTING vertical_merge_algorithm_min_columns_to_activate = 1;
