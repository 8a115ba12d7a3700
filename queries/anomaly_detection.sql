-- Devices with more than ten anomalies of one metric in the seven days that end with the night.
SELECT device_id, device_type, metric_name, avg_value, stddev_value, anomaly_count
FROM {gold.device_anomalies}
WHERE night = :night
ORDER BY anomaly_count DESC, device_id, metric_name
