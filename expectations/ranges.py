"""Expectations on the ranges of measured values."""

from collections.abc import Callable

from great_expectations.expectations import Expectation, ExpectColumnValuesToBeBetween

from expectations.actions import Meta, quarantine

# Lowest and highest value (None: no limit), in the column's unit, and the value's name in reasons.
Range = tuple[float, float | None, str]


def in_range(column: str, possible: Range, action: Callable[[str], Meta] = quarantine) -> Expectation:
    """Return the expectation that a column's values are within a range."""
    lowest, highest, name = possible
    bounds = f"outside {lowest} to {highest}" if highest is not None else f"below {lowest}"
    return ExpectColumnValuesToBeBetween(
        column=column, min_value=lowest, max_value=highest, meta=action(f"{name} {bounds}")
    )


def in_ranges(ranges: dict[str, Range]) -> list[Expectation]:
    """Return one expectation per column: rows with a value outside its range go to quarantine."""
    return [in_range(column, possible) for column, possible in ranges.items()]
