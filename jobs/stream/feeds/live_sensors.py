"""`live_sensors`: what the sensors of a site measure, second by second. One row per reading."""

from jobs.generate.values import Values, choose

FIRST, DEVICES = 1000, 501
TYPES = {"temperature": 30, "pressure": 25, "humidity": 25, "vibration": 20}
LOCATIONS = {"building_a": 30, "building_b": 30, "building_c": 20, "warehouse": 20}
ANOMALY = 0.03


def _share(weights: dict[str, int], stride: int) -> str:
    """Return the type of a device, by its position in a fixed order of all devices, so that the shares are exact."""
    place = f"(pmod((device_id - {FIRST}) * {stride}, {DEVICES}) / {DEVICES}D)"
    return choose(place, list(weights), list(weights.values()))


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """A reading of one of 501 devices, whose type and location never change; 3 % of readings are a spike."""
    base, noise = values.bell("base", 20, 80), values.between("noise", -2, 2)
    return {
        "reading_id": ("bigint", "night_index * 10000000000L + row + 1"),
        "device_id": ("bigint", values.integer("device", FIRST, FIRST + DEVICES - 1)),
        "device_type": ("string", _share(TYPES, 100)),
        "location": ("string", _share(LOCATIONS, 176)),
        "is_anomaly": ("boolean", values.chance("anomaly", ANOMALY)),
        "_spike": ("double", f"IF(is_anomaly, {values.between('spike', 20, 70)}, 0D)"),
        "reading": ("double", f"round({base} + {noise} + _spike, 3)"),
        "battery_pct": ("int", values.integer("battery", 5, 100)),
        "signal_strength": ("int", values.integer("signal", -90, -30)),
        "timestamp": ("timestamp", "timestamp_seconds(_second_at)"),
    }
