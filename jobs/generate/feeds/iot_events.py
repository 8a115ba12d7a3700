"""`iot_events`: 23 fixed columns and an object of changing keys, made in plain Python. One row per event.

A row is a function of (seed, night, row, pools), so that a night's delivery and `python -m jobs
events-file` hold the same ones. No Spark: only the standard library.
"""

from datetime import date, datetime, timedelta
from math import pi, sin
from uuid import UUID

from catalog.tables import SOURCES
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.draw import Draw
from jobs.generate.event_pools import Choice, EventPools, Range, defaults
from jobs.generate.feed import LineFeed, Row

SENSORS = 10_000
CALIBRATED_EVERY = 180  # days
OFFLINE_RATE = 0.02
FILE = "iot_events_{night:%Y%m%d}_235959.json"  # the instant at which the night's batch was closed


def event(seed: int, night_index: int, row: int, pools: EventPools, second: int | None = None) -> Row:
    """One event of a night (0 = the fleet's first), JSON-ready; rows are numbered from 0.

    It happens at a second of the night, which is drawn where none is given.
    """
    draw = Draw(seed, "iot_events", night_index, row)
    night = FIRST_NIGHT + timedelta(days=night_index)
    second = draw.integer("second", 0, 86_399) if second is None else second
    at = datetime.combine(night, datetime.min.time()) + timedelta(seconds=second)
    calibrated = night - timedelta(days=draw.integer("calibrated", 0, CALIBRATED_EVERY - 1))
    sensor = draw.integer("sensor", 1, SENSORS)
    columns = {
        "event_id": str(UUID(bytes=draw.digest("event_id"), version=4)),
        "timestamp": str(at),
        **_sensor(seed, sensor, pools),
        "firmware_version": ".".join(str(draw.integer(f"firmware.{part}", 0, 9)) for part in "abc"),
        "battery_level": draw.between("battery", 5, 100, 1),
        **_measured(draw, at),
        "status": _status(draw, at, pools),
        "version": f"{draw.integer('version', 1, 3)}.{draw.integer('minor', 0, 9)}",
        "signal_strength": draw.integer("signal", -90, -30),
        "uptime_hours": draw.integer("uptime", 0, 8_760),
        "fault_count": int(10 * draw.uniform("faults") ** 4),
        "last_calibration": str(calibrated),
        "maintenance_due": str(calibrated + timedelta(days=CALIBRATED_EVERY)),
        "created_at": str(at),
        "updated_at": str(at + timedelta(seconds=draw.integer("updated", 0, 300))),
        "source": draw.pick("source", pools.sources),
        "env": draw.pick("env", pools.envs),
        "json_column": _payload(draw, pools),
    }
    return {name: columns[name] for name in SOURCES["iot_events"].fields}


def _sensor(seed: int, sensor: int, pools: EventPools) -> Row:
    """Return the fields of a sensor that are the same in all of its events."""
    draw = Draw(seed, "iot_events.sensor", sensor)
    return {
        "sensor_id": f"SNS-{sensor:05d}",
        "device_type": draw.pick("device_type", pools.device_types),
        "region": draw.pick("region", pools.regions),
        "zone": f"zone-{draw.integer('zone', 1, 8)}",
        "model": f"MDL-{draw.integer('model', 100, 199)}",
    }


def is_in_maintenance(at: datetime) -> bool:
    """Sundays from 02:00 to 05:59."""
    return at.weekday() == 6 and 2 <= at.hour <= 5


def _status(draw: Draw, at: datetime, pools: EventPools) -> str:
    if is_in_maintenance(at):
        return "Maintenance"
    return "Offline" if draw.chance("offline", OFFLINE_RATE) else draw.pick("status", pools.statuses)


def _measured(draw: Draw, at: datetime) -> Row:
    """Nothing is measured while in maintenance; temperature follows the seasons and the hours."""
    if is_in_maintenance(at):
        return dict.fromkeys(("temperature", "humidity", "pressure"))
    season = 15 * sin(2 * pi * (at.timetuple().tm_yday - 80) / 365)
    day = 5 * sin(2 * pi * (at.hour - 6) / 24)
    return {
        "temperature": round(20 + season + day + draw.between("temperature", -1.5, 1.5), 2),
        "humidity": draw.between("humidity", 30, 90),
        "pressure": draw.between("pressure", 980, 1040),
    }


def _payload(draw: Draw, pools: EventPools) -> Row:
    count = draw.integer("keys", pools.min_keys, pools.max_keys)
    chosen = draw.sample("key", [*pools.keys, *pools.nested], count)
    return {
        name: _value(draw, name, pools.keys[name])
        if name in pools.keys
        else {key: _value(draw, f"{name}/{key}", choice) for key, choice in pools.nested[name].items()}
        for name in chosen
    }


def _value(draw: Draw, name: str, choice: Choice) -> object:
    if not isinstance(choice, Range):
        return draw.pick(f"value/{name}", choice)
    if isinstance(choice.low, int) and isinstance(choice.high, int):
        return draw.integer(f"value/{name}", choice.low, choice.high)
    return draw.between(f"value/{name}", choice.low, choice.high)


def _a_month_later(row: Row) -> Row:
    return {**row, "timestamp": str(datetime.fromisoformat(str(row["timestamp"])) + timedelta(days=30))}


def _ten_times_as_hot(row: Row) -> Row:
    heat = row["temperature"]
    return {**row, "temperature": round(heat * 10, 2) if isinstance(heat, float) else None}


def file_name(night: date) -> str:
    """Return the name of the file of a night's events."""
    return FILE.format(night=night)


FEED = LineFeed(
    "iot_events",
    10_000,
    lambda seed, night_index, row: event(seed, night_index, row, defaults()),
    "event_id",
    faults={
        "malformed": lambda row: row,
        "future": _a_month_later,
        "malfunction": _ten_times_as_hot,
        "null": lambda row: {**row, "temperature": None},
    },
    file_name=FILE,
)
