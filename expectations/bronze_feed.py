"""Expectations of every feed as it landed.

Bronze keeps each line unchanged and silver validates rows one by one, so single bad lines do not stop a night. A feed
that lacks a field in nearly every line does, before silver, which would take its rows without it; lines that are no
records cannot get there, and only warn, as a feed does that has not come at all. Once the source has delivered again,
its good lines outweigh the bad ones, and the same night passes.
"""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeNull,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import where

NEARLY_NONE = 0.1  # a feed is broken if a smaller share of the night's lines is good
FEW = 20  # lines, too few to decide whether a feed is broken: they only warn
USUAL = 0.99  # share of lines that are usually clean


def feed(*required: str) -> list[Expectation]:
    """Return the expectations of a feed: well-formed lines with the required fields, nearly all without unknown fields.

    A night without lines passes; the silver suite decides whether a table may be empty.
    """
    return [
        ExpectTableRowCountToBeBetween(min_value=0, meta=fail("lines cannot be counted")),
        ExpectColumnValuesToBeNull(column="_malformed", mostly=USUAL, meta=flag("malformed lines")),
        ExpectColumnValuesToBeNull(
            column="_rescued", mostly=USUAL, meta=flag("fields that no column takes as they are")
        ),
        ExpectColumnValuesToBeNull(
            column="_malformed",
            mostly=NEARLY_NONE,
            meta=flag("nearly every line is malformed"),
        ),
        *map(_present, required),
    ]


def _present(field: str) -> Expectation:
    """A value that came and cannot be read is kept in `_rescued`: its row goes to quarantine, and no night stops."""
    return ExpectColumnValuesToNotBeNull(
        column=field,
        mostly=NEARLY_NONE,
        row_condition=where(f"_malformed IS NULL AND get_json_object(_rescued, '$.{field}') IS NULL"),
        meta=fail(f"required field {field} is missing in nearly every line", of_at_least=FEW),
    )
