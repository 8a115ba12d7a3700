"""`silver.readings`: what sensors measured."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)
from great_expectations.expectations.conditions import Column

from expectations.actions import fail, flag, quarantine
from expectations.facts import FACT

# What a working sensor can report. Metric -> lowest, highest, unit.
RANGES = {
    "temperature": (-20, 60, "celsius"),
    "humidity": (0, 100, "percent"),
    "pressure": (950, 1070, "hPa"),
    "power": (0, 200, "kWh"),
    "vibration": (0, 10, "mm/s"),
}


def _in_range(metric: str) -> Expectation:
    lowest, highest, unit = RANGES[metric]
    return ExpectColumnValuesToBeBetween(
        column="metric_value",
        min_value=lowest,
        max_value=highest,
        row_condition=Column("metric_name") == metric,
        meta=quarantine(f"{metric} outside {lowest} to {highest} {unit}"),
    )


EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="reading_id", meta=quarantine("no reading_id")),
    *FACT,
    ExpectColumnValuesToNotBeNull(column="metric_name", meta=quarantine("no metric")),
    ExpectColumnValuesToBeInSet(
        column="metric_name", value_set=list(RANGES), meta=quarantine("unknown metric")
    ),
    ExpectColumnValuesToBeInSet(
        column="unit", value_set=[unit for _, _, unit in RANGES.values()], meta=quarantine("unknown unit")
    ),
    *map(_in_range, RANGES),
    ExpectColumnValuesToBeBetween(
        column="quality_score", min_value=0, max_value=100, meta=quarantine("quality score outside 0 to 100")
    ),
    # Drop-outs, 2 %; on Sundays, the maintenance window, another sixth of the day.
    ExpectColumnValuesToNotBeNull(column="metric_value", mostly=0.75, meta=flag("no value")),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no readings arrived")),
    ExpectColumnValuesToBeUnique(column="reading_id", meta=fail("a reading stands there twice")),
]
