-- Readings of each device and metric by hour, over the 24 hours of the night's day.
SELECT device_id, hour, metric_name, avg_value, min_value, max_value, reading_count
FROM {gold.sensor_hourly}
WHERE event_date = :night
ORDER BY device_id, hour, metric_name
