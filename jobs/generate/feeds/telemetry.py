"""`telemetry`: where 1,000 vehicles were, on a 5-second grid. One row per position."""

from datetime import date

from jobs.generate.feed import FIRST_DEVICE, Feed, NewField, timestamp
from jobs.generate.values import Values

VEHICLES = 1000
SECOND_VERSION = date(2024, 7, 1)  # the first night of the firmware that reports the odometer
KM_A_DAY = 40


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """A vehicle keeps to its base position, give or take 0.005 degrees."""
    return {
        "telemetry_id": ("bigint", "night_index * 10000000 + row + 1"),
        "device_id": ("bigint", values.integer("vehicle", FIRST_DEVICE, FIRST_DEVICE + VEHICLES - 1)),
        "timestamp": ("timestamp", timestamp(f"5 * {values.integer('tick', 0, 17_279)}")),
        "latitude": (
            "double",
            f"round({values.between('base_lat', 37, 38, 'device_id')} + {values.between('lat', -0.005, 0.005)}, 6)",
        ),
        "longitude": (
            "double",
            f"round({values.between('base_lon', -122.5, -121.5, 'device_id')} + {values.between('lon', -0.005, 0.005)}, 6)",
        ),
        "altitude": ("double", f"round({values.between('altitude', 0, 500)}, 1)"),
        "speed": ("double", f"round({values.between('speed', 0, 80)}, 1)"),
        "heading": ("int", values.integer("heading", 0, 359)),
        "fuel_level": ("double", f"round({values.between('fuel', 10, 100)}, 1)"),
        "engine_temp": ("double", f"round({values.bell('engine', 180, 220)}, 1)"),
    }


def odometer(values: Values) -> str:
    """Kilometres that a vehicle has driven: never fewer than before."""
    start = values.between("odometer", 5_000, 150_000, "device_id")
    return f"round({start} + {KM_A_DAY} * unix_seconds(timestamp) / 86400D - {KM_A_DAY} * 19723D, 1)"


FEED = Feed(
    "telemetry",
    27_323,
    columns,
    faults={
        "malformed": {},
        "unknown_device": {"device_id": "device_id + 900000"},
        "future": {"timestamp": "timestamp + INTERVAL 30 DAYS"},
        "malfunction": {"engine_temp": "engine_temp * 10"},
        "null": {"fuel_level": "CAST(NULL AS DOUBLE)"},
    },
    new_fields=(NewField("odometer_km", SECOND_VERSION, "double", odometer),),
)
