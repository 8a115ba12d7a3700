"""`inspections`: parts inspected four to six hours after a machine's trip, as CSV. One row per machine and instant."""

from jobs.generate.feed import Feed, timestamp
from jobs.generate.machines import MINUTES, PARTS, TRIPS, Trip
from jobs.generate.values import Values

FIRST_AFTER, EVERY = 4 * 3600, 720  # seconds: the first part after the trip, and from part to part


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """Ten parts a trip. Those of a late trip are inspected on the day after it."""
    trip = Trip(values.seed, "_trip_night", "_trip")
    ended = f"86400L * (_trip_night - night_index) + {trip.start} + {60 * MINUTES}L"
    inspected = f"{FIRST_AFTER}L + {EVERY}L * _part + {values.integer('second', 0, EVERY - 1)}"
    return {
        "_trip": ("bigint", f"row div {PARTS}L"),
        "_part": ("bigint", f"pmod(row, {PARTS}L)"),
        "_trip_night": ("bigint", f"night_index - pmod(_trip, {TRIPS}L)"),
        "defect": ("int", f"cast({trip.is_defective('_part')} as int)"),
        "timestamp": ("timestamp", timestamp(f"{ended} + {inspected}")),
        "device_id": ("bigint", trip.device_id),
    }


FEED = Feed(
    "inspections",
    1_000,
    columns,
    faults={
        "malformed": {},
        "future": {"timestamp": "timestamp + INTERVAL 30 DAYS"},
        "no_timestamp": {"timestamp": "CAST(NULL AS TIMESTAMP)"},
    },
)
