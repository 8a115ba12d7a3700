"""`silver.locations`: the sites."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, quarantine

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="location_id", meta=quarantine("no location_id")),
    ExpectColumnValuesToNotBeNull(column="name", meta=quarantine("no name")),
    ExpectColumnValuesToNotBeNull(column="region", meta=quarantine("no region")),
    ExpectColumnValuesToNotBeNull(column="latitude", meta=quarantine("no latitude")),
    ExpectColumnValuesToNotBeNull(column="longitude", meta=quarantine("no longitude")),
    ExpectColumnValuesToBeBetween(
        column="latitude", min_value=-90, max_value=90, meta=quarantine("latitude outside -90 to 90")
    ),
    ExpectColumnValuesToBeBetween(
        column="longitude", min_value=-180, max_value=180, meta=quarantine("longitude outside -180 to 180")
    ),
    # Land on the first night only; on any other night no rows are right.
    ExpectTableRowCountToBeBetween(min_value=0, meta=fail("rows cannot be counted")),
    ExpectColumnValuesToBeUnique(column="location_id", meta=fail("a site stands there twice")),
]
