"""The nights whose rows the tests here look at."""

from datetime import date
from pathlib import Path

import duckdb

from jobs.generate.arguments import FIRST_NIGHT

TUESDAY, SATURDAY, SUNDAY = date(2024, 3, 5), date(2024, 3, 2), date(2024, 3, 3)
MONDAY, WEDNESDAY = date(2024, 3, 4), date(2024, 3, 6)
SEASONS = (date(2024, 1, 16), date(2024, 4, 16), date(2024, 7, 16), date(2024, 10, 15))
JANUARY = tuple(date(2024, 1, day) for day in range(1, 32))
MAY = tuple(date(2024, 5, day) for day in range(1, 5))
DECEMBER = date(2024, 12, 20)
SEED = 42

# Feed -> night -> scale. A test that needs another night, or more of one, writes it here: a feed's nights are
# drawn at once, for all tests.
NIGHTS = {
    "devices": {FIRST_NIGHT: 1.0},
    "locations": {FIRST_NIGHT: 1.0},
    "device_changes": dict.fromkeys((*JANUARY, TUESDAY, *MAY, DECEMBER), 1.0),
    "readings": {TUESDAY: 1.0, SATURDAY: 0.5, SUNDAY: 0.2, **dict.fromkeys(SEASONS, 0.1)},
    "events": {TUESDAY: 10.0},
    "telemetry": {TUESDAY: 0.1},
    "sensor_logs": {TUESDAY: 1.0},
    "machine_sensors": {MONDAY: 1.0, TUESDAY: 1.0},
    "inspections": {TUESDAY: 10.0, WEDNESDAY: 1.0},
}


def parquet(folder: Path) -> duckdb.DuckDBPyRelation:
    """The rows of a folder."""
    return duckdb.read_parquet(f"{folder}/*.parquet")
