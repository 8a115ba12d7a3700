"""Ranges that a measured value can lie in."""

from collections.abc import Callable

from great_expectations.expectations import Expectation, ExpectColumnValuesToBeBetween

from expectations.actions import Meta, quarantine

# Lowest and highest, in the column's unit, and what a reason calls the value. Without a highest, anything goes.
Range = tuple[float, float | None, str]


def in_range(column: str, possible: Range, action: Callable[[str], Meta] = quarantine) -> Expectation:
    """Expect a column's values to be possible ones."""
    lowest, highest, name = possible
    bounds = f"outside {lowest} to {highest}" if highest is not None else f"below {lowest}"
    return ExpectColumnValuesToBeBetween(
        column=column, min_value=lowest, max_value=highest, meta=action(f"{name} {bounds}")
    )


def in_ranges(ranges: dict[str, Range]) -> list[Expectation]:
    """Expect each of these columns' values to be possible ones, else the row goes to quarantine."""
    return [in_range(column, possible) for column, possible in ranges.items()]
