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
SHORTENED = "{} RLIKE '^[0-9]+([.,][0-9]+)?[Ee][+][0-9]+$'"  # 3.56938E+14 or 4E+11, of several devices
# What databases, programs and spreadsheets write where there is none; `none` may be a value.
NOTHING = (
    "lower({}) IN ('null', 'nan', 'undefined', '#n/a', '#ref!', '#value!', '#name?', '#div/0!', '#num!')"
)
_SEEN = r"trim(BOTH ' \t\r\n\u00a0\u200b\ufeff' FROM {0})"  # without what nobody sees, of pages and marks of files too
BLANK = f"{_SEEN} = ''"
PADDED = f"{_SEEN} NOT IN ('', trim({{0}}))"  # another thing than the one that looks the same


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
    texts = [name for name in source.key if kinds[name] == "STRING"]
    return [*missing, *(rule for name in texts for rule in _of_a_text(name)), *_of_its_time(source)]


def _of_a_text(name: str) -> list[Expectation]:
    """A column of the key says which one is meant."""
    return [
        no_row_where(BLANK.format(name), quarantine(f"{name} is blank")),
        no_row_where(PADDED.format(name), quarantine(f"{name} begins or ends with what nobody sees")),
        no_row_where(NOTHING.format(name), quarantine(f"{name} is a word for no value")),
        no_row_where(
            SHORTENED.format(name), quarantine(f"{name} is a number that a spreadsheet has shortened")
        ),
    ]


def _of_its_time(source: Source) -> list[Expectation]:
    """`timestamp` says when what a row is about took place; of a table without, its first TIMESTAMP.

    A clock that was never set shows 1970, 1980 or 2000, one that lost count of GPS weeks 19.6 years too little.
    """
    kinds = columns_of(SILVER[source.silver].columns)
    times = [name for name, kind in kinds.items() if kind == "TIMESTAMP"]
    time = "timestamp" if "timestamp" in kinds and source.is_timed else next(iter(times), None)
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
