"""`readings`: what sensors measured, on a 1-minute grid. One row per reading."""

from jobs.generate import fleet
from jobs.generate.feed import FIRST_DEVICE, FLEET_SIZE, Feed, timestamp
from jobs.generate.values import Values

UNITS = {
    "temperature": "celsius",
    "humidity": "percent",
    "pressure": "hPa",
    "power": "kWh",
    "vibration": "mm/s",
}
AGEING = 0.001  # by how much a device measures too high, for each day since it was installed


def _metric(values: Values) -> str:
    hvac = values.pick("hvac", ("temperature", "humidity"))
    return (
        "CASE _device_type WHEN 'Temperature Sensor' THEN 'temperature' WHEN 'Humidity Sensor' THEN 'humidity' "
        "WHEN 'Pressure Sensor' THEN 'pressure' WHEN 'Smart Meter' THEN 'power' WHEN 'Camera' THEN 'power' "
        f"WHEN 'HVAC Controller' THEN {hvac} ELSE 'vibration' END"
    )


def normal_value(values: Values) -> str:
    """What a healthy new device measures: seasons and hours of the day, working hours and weekends."""
    season = "15 * sin(2 * pi() * (dayofyear(timestamp) - 80) / 365)"
    day = "5 * sin(2 * pi() * (hour(timestamp) - 6) / 24)"
    return f"""CASE metric_name
        WHEN 'temperature' THEN 20 + {season} + {day} + {values.between("noise", -1.5, 1.5)}
        WHEN 'humidity' THEN {values.between("level", 30, 90)}
        WHEN 'pressure' THEN {values.between("level", 980, 1040)}
        WHEN 'power' THEN CASE
            WHEN dayofweek(timestamp) IN (1, 7) THEN {values.between("level", 30, 40)}
            WHEN hour(timestamp) BETWEEN 8 AND 18 THEN {values.between("level", 70, 90)}
            ELSE {values.between("level", 25, 35)} END
        ELSE {values.between("level", 0, 3)} * CASE
            WHEN hour(timestamp) BETWEEN 6 AND 9 THEN 1.5 WHEN hour(timestamp) BETWEEN 10 AND 17 THEN 1.2
            WHEN hour(timestamp) BETWEEN 18 AND 22 THEN 1.3 ELSE 0.8 END
        END"""


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """A reading of one of the 10,000 devices; Sundays from 02:00 to 05:59 they are in maintenance."""
    units = " ".join(f"WHEN '{metric}' THEN '{unit}'" for metric, unit in UNITS.items())
    return {
        "reading_id": ("bigint", "night_index * 10000000 + row + 1"),
        "device_id": ("bigint", values.integer("device", FIRST_DEVICE, FIRST_DEVICE + FLEET_SIZE - 1)),
        "timestamp": ("timestamp", timestamp(f"60 * {values.integer('minute', 0, 1439)}")),
        "_device_type": ("string", fleet.device_type(values.seed, "device_id")),
        "metric_name": ("string", _metric(values)),
        "_age": (
            "int",
            f"greatest(0, datediff(timestamp, {fleet.install_date(values.seed, 'device_id')}))",
        ),
        "_normal": ("double", f"{normal_value(values)} + {AGEING}D * _age"),
        "_anomaly": (
            "string",
            f"CASE WHEN {fleet.is_faulty(values.seed, 'device_id')} AND {values.chance('faulty', 0.85)} THEN 'drift' "
            f"ELSE {values.pick('anomaly', ('spike', 'dropout', 'drift', 'odd', 'none'), weights=(5, 3, 2, 2, 988))} END",
        ),
        "_drifted": ("double", f"_normal + {values.between('drift', 0.1, 3)}"),
        "metric_value": (
            "double",
            "CASE WHEN dayofweek(timestamp) = 1 AND hour(timestamp) BETWEEN 2 AND 5 THEN NULL "
            "ELSE round(CASE _anomaly WHEN 'spike' THEN _normal * 3 WHEN 'dropout' THEN NULL "
            "WHEN 'drift' THEN _drifted ELSE _normal END, 3) END",
        ),
        "unit": ("string", f"CASE metric_name {units} END"),
        "quality_score": ("int", values.integer("quality", 80, 100)),
        "is_anomaly": ("boolean", "_anomaly <> 'none'"),
    }


FEED = Feed(
    "readings",
    136_612,
    columns,
    faults={
        "malformed": {},
        "unknown_device": {"device_id": "device_id + 900000"},
        "future": {"timestamp": "timestamp + INTERVAL 30 DAYS"},
        "malfunction": {"metric_value": "metric_value * 10"},
        "null": {"metric_value": "CAST(NULL AS DOUBLE)"},
    },
)
