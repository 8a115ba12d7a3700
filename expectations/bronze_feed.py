"""What every feed must hold as it landed.

Bronze keeps each line as it came and the rows of silver are validated one by one, so a bad line is nothing to
stop for. A feed that is bad as a whole is: a field renamed at its source would fill quarantine and nothing
else. The night stops before silver then. Once the source has delivered again, its good lines outweigh the
bad ones, and the same night passes.
"""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeNull,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import where

NEARLY_NONE = 0.1  # share of the night's lines that a feed must have right, or it is broken
FEW = 20  # lines, too few to decide whether a feed is broken: they only warn
USUAL = 0.99  # share of lines without anything odd


def feed(*required: str) -> list[Expectation]:
    """Expect well-formed lines with the required fields, and few surprises.

    A night without lines is fine: whether a table may be without rows is for its silver suite to say.
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
            meta=fail("nearly every line is malformed", of_at_least=FEW),
        ),
        *map(_present, required),
    ]


def _present(field: str) -> Expectation:
    return ExpectColumnValuesToNotBeNull(
        column=field,
        mostly=NEARLY_NONE,
        row_condition=where("_malformed IS NULL"),
        meta=fail(f"required field {field} is missing in nearly every line", of_at_least=FEW),
    )
