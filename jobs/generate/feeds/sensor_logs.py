"""`sensor_logs`: room climate every 5 seconds, as CSV. One row per sensor and instant."""

from jobs.generate.feed import Feed, timestamp
from jobs.generate.values import Values

TICKS = 17_280  # 5-second steps in a day
INCIDENTS = 0.1  # share of a room's days with one
INCIDENT_HOURS = 3


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """Rooms A to D have one sensor each; above scale 1, further sensors join them.

    On a day with an incident, the room is too cold, hot, dry or damp for three hours: what its sensors measure
    keeps to an outer third of the usual range.
    """
    day = ("night_index", "_room")
    kind = values.pick("incident_kind", ("cold", "hot", "dry", "damp"), *day)
    return {
        "_room": ("bigint", values.integer("room", 0, 3)),
        "_hour": ("bigint", f"5 * pmod(row, {TICKS}) div 3600"),
        "_begins": ("bigint", values.integer("incident_hour", 0, 24 - INCIDENT_HOURS, *day)),
        "_incident": (
            "string",
            f"IF({values.chance('incident', INCIDENTS, *day)} "
            f"AND _hour >= _begins AND _hour < _begins + {INCIDENT_HOURS}, {kind}, 'none')",
        ),
        "sensor_id": ("bigint", f"1001 + _room + 4 * (row div {TICKS})"),
        "timestamp": ("timestamp", timestamp(f"5 * pmod(row, {TICKS})")),
        "temperature": ("double", _measured(values, "temperature", 65, 80, "cold", "hot")),
        "humidity": ("double", _measured(values, "humidity", 30, 60, "dry", "damp")),
        "location": ("string", "concat('Room_', substring('ABCD', cast(_room + 1 as int), 1))"),
    }


def _measured(values: Values, name: str, low: int, high: int, too_low: str, too_high: str) -> str:
    third = (high - low) // 3
    return (
        f"round(CASE _incident WHEN '{too_low}' THEN {values.between(name, low, low + third)} "
        f"WHEN '{too_high}' THEN {values.between(name, high - third, high)} "
        f"ELSE {values.between(name, low, high)} END, 1)"
    )


FEED = Feed(
    "sensor_logs",
    TICKS,
    columns,
    faults={
        "malformed": {},
        "malfunction": {"temperature": "temperature * 10"},
        "null": {"temperature": "CAST(NULL AS DOUBLE)"},
    },
    is_thinned=True,  # rows are in the order of time: the first ones are those of the night's first hours
)
