"""`device_changes`: the registry's change feed. One row per device and change.

The first night inserts the whole fleet. Every later night changes 900 existing devices and registers 100
new ones; the first twelve of them change 800 and register 200, since no device has been deleted yet that could
be registered again. Existing devices take turns: their turns follow one another on an endless line of positions,
so that a device's n-th change, and with it the true image before and after it, follows from its id and n alone.
"""

from jobs.generate import fleet
from jobs.generate.feed import FIRST_DEVICE, FLEET_SIZE, Feed, timestamp
from jobs.generate.values import Values

CHANGES = 1000  # a night after the first
EXISTING, NEW = 900, 100  # of them, changes of existing devices and new devices
MORE_NEW, EARLY_NIGHTS = 100, 12  # so many more are new, and fewer are changed, on nights 1 to 12
EARLY = (EXISTING - MORE_NEW) * EARLY_NIGHTS  # positions of those nights
STRIDE = 7919  # coprime with the fleet's size: spreads a night's turns over all ids
# A device is never deleted twice in a row: 0.127 * (1 - 0.127) of 900 turns are 100 deletions a night.
DELETE_RATE = 0.127


def _image(seed: int, change: str, night_index: str) -> str:
    columns = fleet.image(seed, "device_id", change, night_index)
    fields = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    return f"to_json(struct({fields}))"


def _night_of(position: str) -> str:
    """Return the night of a position in the sequence of changes; 0 or less for positions before its start."""
    early = f"1 + floor({position} / {EXISTING - MORE_NEW}D)"
    return f"IF({position} < {EARLY}, {early}, {EARLY_NIGHTS + 1} + ({position} - {EARLY}) div {EXISTING})"


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """Return the columns of a change: its operation and both images of the device."""
    drawn = [
        f"({change} > 0 AND {values.chance('delete', DELETE_RATE, 'device_id', change)})"
        for change in _CHANGES
    ]
    return {
        # How many devices the nights before have registered beyond NEW each, and so not changed.
        "_more_before": ("bigint", f"{MORE_NEW} * least(night_index - 1, {EARLY_NIGHTS}L)"),
        "_existing": ("bigint", f"{EXISTING} - IF(night_index <= {EARLY_NIGHTS}, {MORE_NEW}, 0)"),
        "_position": (
            "bigint",
            "CASE WHEN night_index > 0 AND row < _existing "
            f"THEN (night_index - 1) * {EXISTING} - _more_before + row END",
        ),
        "_change": ("bigint", f"coalesce(_position div {FLEET_SIZE} + 1, 0L)"),
        "_former_night": (
            "bigint",
            f"coalesce(greatest(0L, {_night_of(f'(_position - {FLEET_SIZE})')}), 0L)",
        ),
        "device_id": (
            "bigint",
            f"CASE WHEN _position IS NOT NULL THEN {FIRST_DEVICE} + pmod(pmod(_position, {FLEET_SIZE}) * {STRIDE}, {FLEET_SIZE}) "
            f"WHEN night_index = 0 THEN {FIRST_DEVICE} + row "
            f"ELSE {FIRST_DEVICE + FLEET_SIZE} + (night_index - 1) * {NEW} + _more_before + row - _existing END",
        ),
        "_deleted": ("boolean", f"{drawn[0]} AND NOT {drawn[1]}"),
        "_was_deleted": ("boolean", f"{drawn[1]} AND NOT {drawn[2]}"),
        "operation": (
            "string",
            "CASE WHEN _change = 0 OR _was_deleted THEN 'INSERT' WHEN _deleted THEN 'DELETE' ELSE 'UPDATE' END",
        ),
        "operation_date": (
            "timestamp",
            f"CASE WHEN night_index = 0 THEN {timestamp('0')} ELSE {timestamp(values.integer('second', 0, 86_399))} END",
        ),
        "sequence": ("bigint", "night_index * 1000000 + row + 1"),
        "before": (
            "string",
            f"CASE WHEN operation <> 'INSERT' THEN {_image(values.seed, '(_change - 1)', '_former_night')} END",
        ),
        "after": (
            "string",
            f"CASE WHEN operation <> 'DELETE' THEN {_image(values.seed, '_change', 'night_index')} END",
        ),
    }


_CHANGES = ("_change", "(_change - 1)", "(_change - 2)")

FEED = Feed(
    "device_changes",
    CHANGES,
    columns,
    faults={"malformed": {}, "unknown_device": {"device_id": "NULL"}},
    first_night_rows=FLEET_SIZE,
    is_scaled=False,
)
