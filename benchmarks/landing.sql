-- The rows that benchmarks/landing.py lands. A value follows from a hash of its name and its row, and from nothing else.
-- `night` is a number: 0 is 2024-01-01. `line` is the text that lands, `file` the number of its file.

CREATE MACRO share(name, a, b) AS (hash(name, a::BIGINT, b::BIGINT) % 1000000007) / 1000000007.0;  -- uniform in [0, 1)
CREATE MACRO below(name, a, b, n) AS (hash(name, a::BIGINT, b::BIGINT) % n)::BIGINT;
CREATE MACRO picked(listed, name, a, b) AS listed[1 + below(name, a, b, len(listed))];
CREATE MACRO at_second(night, second) AS
    strftime(TIMESTAMP '2024-01-01' + to_seconds(night * 86400 + second), '%Y-%m-%d %H:%M:%S');

CREATE MACRO type_of(device) AS picked(
    ['Temperature Sensor', 'Humidity Sensor', 'Pressure Sensor', 'Motion Detector', 'Smart Meter', 'GPS Tracker',
     'Camera', 'HVAC Controller'], 'type', device, 0);

-- A device after its change of this number; 0 is as it was first registered.
CREATE MACRO image(device, change) AS to_json(struct_pack(
    device_id := device,
    device_serial := printf('DEV-%08d', below('serial', device, 0, 100000000)),
    device_type := type_of(device),
    manufacturer := picked(['SensorCorp', 'IoTech', 'SmartDevices', 'TelcoSystems'], 'maker', device, 0),
    model := 'Model-' || device,
    firmware_version := '1.' || change || '.' || below('firmware', device, change, 10),
    install_date := DATE '2020-01-01' + below('installed', device, 0, 1400)::INT,
    location_id := 1 + below('location', device, 0, 500),
    latitude := round(25 + 23 * share('latitude', device, 0), 6),
    longitude := round(-125 + 55 * share('longitude', device, 0), 6),
    status := picked(['Online', 'Online', 'Online', 'Offline', 'Maintenance', 'Decommissioned'], 'status', device, change)
))::VARCHAR;

CREATE MACRO devices() AS TABLE
    SELECT n % 2 AS file, image(1000 + n, 0) AS line FROM range(10000) rows(n);

-- The fleet is inserted on the first night; on others, 1,000 devices in turn are updated.
CREATE MACRO device_changes(night) AS TABLE
    WITH turns AS (
        SELECT n, greatest(night - 1, 0) * 1000 + n AS turn FROM range(if(night = 0, 10000, 1000)) rows(n)),
    changes AS (SELECT n, 1000 + turn % 10000 AS device, if(night = 0, 0, turn // 10000 + 1) AS change FROM turns)
    SELECT n % 2 AS file, replace(to_json(struct_pack(
        device_id := device,
        operation := if(night = 0, 'INSERT', 'UPDATE'),
        operation_date := at_second(night, if(night = 0, 0, n * 80)),
        sequence := night * 1000000 + n + 1,
        before := if(night = 0, NULL, image(device, change - 1)),
        after := image(device, change)
    ))::VARCHAR, '"before":null,', '') AS line FROM changes;

CREATE MACRO events(night, readings) AS TABLE
    SELECT n % 2 AS file, to_json(struct_pack(
        event_id := night * 10000000 + n + 1,
        device_id := 1000 + below('device of event', n, night, 10000),
        "timestamp" := at_second(night, below('second', n, night, 86400)),
        event_type := picked(['Device Offline', 'Battery Low', 'Connection Lost'], 'event', n, night),
        severity := CASE WHEN n % 10 = 0 THEN 'Critical' WHEN n % 10 < 4 THEN 'Warning' ELSE 'Info' END,
        description := 'Event ' || n,
        acknowledged := n % 4 > 0,
        resolved := n % 4 = 1
    ))::VARCHAR AS line FROM range(greatest(20, readings // 500)) rows(n);

-- The readings that arrive in a night: its own, late ones of the seven nights before (1 %), second copies (1 %).
CREATE MACRO sent(night, readings) AS TABLE
    WITH own AS (
        SELECT night - ago AS d, n FROM range(readings) rows(n), range(least(night, 8) + 1) nights(ago)),
    delivered AS (
        SELECT d, n, if(share('late', n, d) < 0.01, 1 + below('days late', n, d, 7), 0) AS late,
               if(share('duplicate', n, d) < 0.01, below('again', n, d, 2), NULL) AS again FROM own)
    SELECT d, n FROM delivered WHERE d + late = night
    UNION ALL
    SELECT d, n FROM delivered WHERE d + late + again = night;

CREATE MACRO measured(night, readings) AS TABLE
    WITH drawn AS (
        SELECT d, n, 1000 + below('device', n, d, 10000) AS device, type_of(device) AS kind, share('fault', n, d) AS fault,
               share('anomaly', n, d) AS anomaly, share('value', n, d) AS v
        FROM sent(night, readings))
    SELECT *, CASE kind WHEN 'Temperature Sensor' THEN 'temperature' WHEN 'Humidity Sensor' THEN 'humidity'
            WHEN 'Pressure Sensor' THEN 'pressure' WHEN 'Smart Meter' THEN 'power' WHEN 'Camera' THEN 'power'
            WHEN 'HVAC Controller' THEN if(n % 2 = 0, 'temperature', 'humidity') ELSE 'vibration' END AS metric,
        if(anomaly < 0.005, 3, 1) * if(fault BETWEEN 0.0025 AND 0.0075, 10, 1) AS factor
    FROM drawn;

-- Of a reading's fault: below 0.001 malformed, then unknown device, of the future, malfunction; above 0.98 null.
CREATE MACRO readings(night, readings) AS TABLE
    WITH lines AS (
        SELECT n % 2 AS file, fault, replace(to_json(struct_pack(
            reading_id := d * 10000000 + n + 1,
            device_id := device + if(fault BETWEEN 0.001 AND 0.002, 900000, 0),
            "timestamp" := at_second(d + if(fault BETWEEN 0.002 AND 0.0025, 30, 0), 60 * below('minute', n, d, 1440)),
            metric_name := metric,
            metric_value := CASE WHEN fault < 0.98 AND anomaly NOT BETWEEN 0.009 AND 0.012 THEN round(factor * CASE metric
                WHEN 'temperature' THEN 10 + 15 * v WHEN 'humidity' THEN 30 + 60 * v WHEN 'pressure' THEN 980 + 60 * v
                WHEN 'power' THEN 25 + 60 * v ELSE 4 * v END, 3) END,
            unit := CASE metric WHEN 'temperature' THEN 'celsius' WHEN 'humidity' THEN 'percent' WHEN 'pressure' THEN 'hPa'
                WHEN 'power' THEN 'kWh' ELSE 'mm/s' END,
            quality_score := 80 + n % 21,
            is_anomaly := anomaly < 0.012 OR (below('faulty', device, 0, 100) = 0 AND anomaly < 0.85)
        ))::VARCHAR, '"metric_value":null,', '') AS line
        FROM measured(night, readings))
    SELECT file, if(fault < 0.001, left(line, length(line) // 2), line) AS line FROM lines;
