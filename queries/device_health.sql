-- Devices by type and status, as the fleet stood when the night ended; their mean age in days.
SELECT device_type, status, device_count, round(avg_age_days, 1) AS avg_age_days
FROM {gold.device_health}
WHERE night = :night
ORDER BY device_type, status
