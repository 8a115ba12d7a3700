-- Where devices stand that had events in the 30 days that end with the night, the most critical first.
SELECT e.device_id, d.device_type, e.latitude, e.longitude, e.event_count, e.critical_count
FROM {gold.site_events} AS e
LEFT JOIN {silver.devices} AS d ON d.device_id = e.device_id
WHERE e.night = :night AND e.event_count > 0
ORDER BY e.critical_count DESC, e.event_count DESC, e.device_id
