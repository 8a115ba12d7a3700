-- Where devices stand that had events in the 30 days that end with the night, the most critical first.
SELECT device_id, latitude, longitude, event_count, critical_count
FROM {gold.site_events}
WHERE night = :night AND event_count > 0
ORDER BY critical_count DESC, event_count DESC, device_id
