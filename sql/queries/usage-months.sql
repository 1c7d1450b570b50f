-- Months (YYYYMM) in which usage lies as of a cut, in the events or in any window table: a table may have rows that it should not have.
SELECT DISTINCT month
FROM
(
    SELECT toYYYYMM(window_start) AS month FROM meterline.usage_events WHERE cut <= {cut: UInt32}
    UNION ALL SELECT toYYYYMM(window_start) FROM meterline.usage_windows WHERE cut <= {cut: UInt32}
    UNION ALL SELECT toYYYYMM(window_start) FROM meterline.usage_window_extremes WHERE cut <= {cut: UInt32}
    UNION ALL SELECT toYYYYMM(window_start) FROM meterline.usage_window_latest WHERE cut <= {cut: UInt32}
    UNION ALL SELECT toYYYYMM(window_start) FROM meterline.usage_window_levels WHERE cut <= {cut: UInt32}
    UNION ALL SELECT toYYYYMM(day) FROM meterline.usage_unique_values WHERE cut <= {cut: UInt32}
)
ORDER BY month
