"""`machine_sensors`: what factory machines measure each minute of a trip, as CSV. One row per machine and instant."""

from jobs.generate.feed import Feed, timestamp
from jobs.generate.machines import MINUTES, Trip
from jobs.generate.values import Values


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """Few trips run hot, are strained, or are clogged at low pressure: those meet the rules of an anomaly."""
    trip = Trip(values.seed, "night_index", "_trip")
    strained, clogged = trip.happens("strained", 0.04), trip.happens("clogged", 0.04)
    wave = f"sin(6 * pi() * _minute / {MINUTES} + {trip.drawn('wave', 0, 6.283185)})"
    speed = f"{trip.drawn('speed', 400, 700)} + IF({strained}, 150, 0) + 60 * {wave}"
    lag = f"IF({strained}, {trip.drawn('lag', 4.5, 6.5)}, {trip.drawn('lag', 0.3, 1.3)})"
    level = f"IF({clogged}, {trip.drawn('low', 860, 920)}, {trip.drawn('pressure', 913, 1113)})"
    pressure = f"{level} - (_temperature - 15) * {trip.drawn('lapse', 1.7, 2.7)}"
    return {
        "_trip": ("bigint", f"row div {MINUTES}L"),
        "_minute": ("bigint", f"pmod(row, {MINUTES}L)"),
        "device_id": ("bigint", trip.device_id),
        "trip_id": ("bigint", trip.trip_id),
        "factory_id": ("string", trip.factory_id),
        "model_id": ("string", trip.model_id),
        "timestamp": (
            "timestamp",
            timestamp(f"{trip.start} + 60 * _minute + {values.integer('second', 0, 2)}"),
        ),
        "_temperature": ("double", trip.temperature("_minute")),
        "_speed": ("double", f"{speed} + {trip.noise('speed', 20, '_minute')}"),
        "_pressure": ("double", pressure),
        "airflow_rate": ("double", "round(_speed / _pressure, 4)"),
        "rotation_speed": ("double", "round(_speed, 2)"),
        "air_pressure": ("double", "round(_pressure, 2)"),
        "temperature": ("double", "round(_temperature, 2)"),
        "delay": ("double", f"round({lag} * sqrt(_speed) + {trip.noise('delay', 3, '_minute')}, 2)"),
        "density": (
            "double",
            f"round(2 + IF({clogged}, 1.8, 0) + {wave} + {trip.noise('density', 0.3, '_minute')}, 3)",
        ),
    }


FEED = Feed(
    "machine_sensors",
    27_000,
    columns,
    faults={
        "malformed": {},
        "future": {"timestamp": "timestamp + INTERVAL 30 DAYS"},
        "malfunction": {"temperature": "temperature * 10"},
        "no_temperature": {"temperature": "CAST(NULL AS DOUBLE)"},
        "flipped_pressure": {"air_pressure": "-air_pressure"},
    },
)
