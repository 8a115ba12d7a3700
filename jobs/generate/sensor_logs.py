"""`sensor_logs`: room climate every 5 seconds, as CSV. One row per sensor and instant."""

from jobs.generate.feed import Feed, timestamp
from jobs.generate.values import Values

TICKS = 17_280  # 5-second steps in a day


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """Rooms A to D have one sensor each; above scale 1, further sensors join them."""
    return {
        "_room": ("bigint", values.integer("room", 0, 3)),
        "sensor_id": ("bigint", f"1001 + _room + 4 * (row div {TICKS})"),
        "timestamp": ("timestamp", timestamp(f"5 * pmod(row, {TICKS})")),
        "temperature": ("double", f"round({values.between('temperature', 65, 80)}, 1)"),
        "humidity": ("double", f"round({values.between('humidity', 30, 60)}, 1)"),
        "location": ("string", "concat('Room_', substring('ABCD', cast(_room + 1 as int), 1))"),
    }


FEED = Feed(
    "sensor_logs",
    TICKS,
    columns,
    faults={
        "malformed": {},
        "malfunction": {"temperature": "temperature * 10"},
        "null": {"temperature": "CAST(NULL AS DOUBLE)"},
    },
)
