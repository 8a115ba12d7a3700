"""Aggregates that do not depend on the order of rows: sums in decimals, doubles only at the end."""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Twelve digits before the point and six behind hold every measured value; squares still fit 38 digits.
_VALUE = "decimal(18,6)"


def mean(column: str) -> Column:
    """Arithmetic mean of the values that are not null, rounded to 6 digits; null if one of them is 10^12 or more."""
    value = F.col(column).try_cast(_VALUE)
    total = F.try_sum(value).cast("double")
    return F.round(F.when(_is_whole(column), total / F.nullif(F.count(column), F.lit(0))), 6)


def stddev(column: str) -> Column:
    """Sample standard deviation, rounded to 6 digits; null below two values, or if one of them is 10^12 or more."""
    value = F.col(column).try_cast(_VALUE)
    count = F.count(column)
    total, squares = F.try_sum(value).cast("double"), F.try_sum(value * value).cast("double")
    variance = (squares - total * total / F.nullif(count, F.lit(0))) / F.nullif(count - 1, F.lit(0))
    # Rounding can leave a variance of zero slightly below it.
    return F.round(F.when(_is_whole(column), F.sqrt(F.when(variance < 0, F.lit(0.0)).otherwise(variance))), 6)


def _is_whole(column: str) -> Column:
    """Whether all values of a group are among what is summed. No single value of a device may stop a night."""
    return F.count(F.col(column).try_cast(_VALUE)) == F.count(column)


def count_if(condition: str) -> Column:
    """Number of rows that meet a condition."""
    return F.count_if(F.coalesce(F.expr(condition), F.lit(False)))
