"""`devices`: the registry as it was first loaded. One row per device."""

from catalog.tables import SOURCES
from jobs.generate import fleet
from jobs.generate.feed import FIRST_DEVICE, FLEET_SIZE, Feed
from jobs.generate.values import Values


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """The image of each device before any change."""
    image = fleet.image(values.seed, f"(row + {FIRST_DEVICE}L)", "0L", "0L")
    return {name: (kind, image[name]) for name, kind in SOURCES["devices"].fields.items()}


FEED = Feed("devices", FLEET_SIZE, columns, is_scaled=False, is_initial=True, is_reliable=True)
