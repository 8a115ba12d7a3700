-- Alerts of the night's day by severity and kind: how many, of how many devices, and when the last was raised.
SELECT severity, kind, count(*) AS alerts, count(DISTINCT device_id) AS devices, max(raised_at) AS last_raised_at
FROM {gold.alerts}
WHERE event_date = :night
GROUP BY severity, kind
ORDER BY severity, alerts DESC, kind
