"""Spans of days around others."""

from collections.abc import Iterable
from datetime import date, timedelta


def following(dates: Iterable[date], days: int) -> set[date]:
    """The dates, and as many days after each, up to the last of the calendar."""
    spans = [timedelta(later) for later in range(days + 1)]
    return {day + span for day in dates for span in spans if day <= date.max - span}


def preceding(dates: Iterable[date], days: int) -> set[date]:
    """The dates, and as many days before each, down to the first of the calendar."""
    spans = [timedelta(earlier) for earlier in range(days + 1)]
    return {day - span for day in dates for span in spans if day >= date.min + span}
