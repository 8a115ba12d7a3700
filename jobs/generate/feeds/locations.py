"""`locations`: 500 sites around three facilities. One row per site."""

from jobs.generate import fleet
from jobs.generate.feed import Feed
from jobs.generate.values import Values


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """A site lies within 0.05 degrees of the facility it belongs to."""
    region = " ".join(f"WHEN '{index}' THEN '{place[0]}'" for index, place in enumerate(fleet.FACILITIES))
    return {
        "location_id": ("bigint", "row + 1"),
        "name": ("string", "concat('Site ', lpad(cast(row + 1 as string), 3, '0'))"),
        "region": ("string", f"CASE {fleet.facility(values.seed, '(row + 1)')} {region} END"),
        "latitude": ("double", fleet.coordinate(values.seed, 1, "(row + 1)")),
        "longitude": ("double", fleet.coordinate(values.seed, 2, "(row + 1)")),
    }


FEED = Feed("locations", 500, columns, is_scaled=False, is_initial=True, is_reliable=True)
