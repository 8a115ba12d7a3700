"""Dates with the days that follow or precede them."""

from collections.abc import Iterable
from datetime import date, timedelta


def following(dates: Iterable[date], days: int) -> set[date]:
    """Return the dates and so many days after each, up to the last date that Python has."""
    spans = [timedelta(later) for later in range(days + 1)]
    return {day + span for day in dates for span in spans if day <= date.max - span}


def preceding(dates: Iterable[date], days: int) -> set[date]:
    """Return the dates and so many days before each, down to the first date that Python has."""
    spans = [timedelta(earlier) for earlier in range(days + 1)]
    return {day - span for day in dates for span in spans if day >= date.min + span}
