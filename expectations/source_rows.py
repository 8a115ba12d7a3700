"""Expectations of the rows of every source, which no suite has to name: a whole key, and a time that can be right."""

from collections.abc import Iterable

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeNull,
    ExpectColumnValuesToNotBeNull,
)

from catalog.columns import columns_of
from catalog.tables import SILVER, Source
from expectations.actions import flag, quarantine
from expectations.conditions import no_row_where, where

LONG = 366  # days
SHORTENED = "{} RLIKE '^[0-9]+[.,][0-9]+[Ee][+][0-9]+$'"  # 3.56938E+14, of several devices
BLANK = r"trim(BOTH ' \t\r\n' FROM {}) = ''"


def of_source(source: Source, named: Iterable[Expectation]) -> list[Expectation]:
    """Return what holds of the rows of a source, besides the expectations that its suite names."""
    required = {
        rule.column
        for rule in named
        if isinstance(rule, ExpectColumnValuesToNotBeNull) and (rule.meta or {}).get("action") == "quarantine"
    }
    kinds = columns_of(SILVER[source.silver].columns)
    missing = [
        ExpectColumnValuesToNotBeNull(column=name, meta=quarantine(f"no {name}"))
        for name in source.key
        if name not in required
    ]
    blank = [
        no_row_where(BLANK.format(name), quarantine(f"{name} is blank"))
        for name in source.key
        if kinds[name] == "STRING"
    ]
    shortened = [
        no_row_where(
            SHORTENED.format(name), quarantine(f"{name} is a number that a spreadsheet has shortened")
        )
        for name in source.key
        if kinds[name] == "STRING"
    ]
    return [*missing, *blank, *shortened, *_of_its_time(source)]


def _of_its_time(source: Source) -> list[Expectation]:
    """The first TIMESTAMP of a table says when what its row is about took place.

    A clock that was never set shows 1970, 1980 or 2000, one that lost count of GPS weeks 19.6 years too little.
    """
    kinds = columns_of(SILVER[source.silver].columns)
    time = next((name for name, kind in kinds.items() if kind == "TIMESTAMP"), None)
    if time is None:
        return []
    earliest = source.earliest
    too_early = f"{time} < DATE'{earliest}' AND _night >= DATE'{earliest}'"
    return [
        no_row_where(too_early, quarantine(f"dated before {earliest}, the earliest that the source allows")),
        ExpectColumnValuesToBeNull(
            column=time,
            row_condition=where(f"{time} < date_sub(_night, {LONG})"),
            meta=flag("dated long before it arrived"),
        ),
    ]
