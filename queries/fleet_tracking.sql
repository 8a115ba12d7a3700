-- Where each vehicle that moved on the night's day was last seen; its mean speed and lowest fuel level.
SELECT device_id, last_seen, last_latitude, last_longitude, avg_speed_mph, min_fuel_percent
FROM {gold.fleet_last_seen}
WHERE night = :night
ORDER BY last_seen DESC, device_id
