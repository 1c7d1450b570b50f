-- Meters that are taken per hour or day: the sub-windows are groups of base windows, so no table of the chain is new.

-- The hour (3600) or day (86400) of a base window by the clock of a zone, from the zone's offsets: each holds from its beginning on, the first from before
-- the window. Hours that the clocks repeat differ by their offset; a day is all that has its date.
CREATE FUNCTION IF NOT EXISTS usage_bucket AS (window_start, seconds, span_begins, span_offsets) ->
    (intDiv(toInt64(toUnixTimestamp(window_start)) + span_offsets[arrayCount(begins -> begins <= toUnixTimestamp(window_start), span_begins)], seconds),
        if(seconds = 3600, span_offsets[arrayCount(begins -> begins <= toUnixTimestamp(window_start), span_begins)], 0));
