"""Aggregates that do not depend on the order of rows: sums in decimals, doubles only at the end."""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Twelve digits before the point and six behind hold every measured value; squares still fit 38 digits.
_VALUE = "decimal(18,6)"


def mean(column: str) -> Column:
    """Arithmetic mean of the values that are not null, rounded to 6 digits."""
    total = F.sum(F.col(column).cast(_VALUE)).cast("double")
    return F.round(total / F.nullif(F.count(column), F.lit(0)), 6)


def stddev(column: str) -> Column:
    """Sample standard deviation, rounded to 6 digits; null below two values."""
    value = F.col(column).cast(_VALUE)
    count = F.count(column)
    total, squares = F.sum(value).cast("double"), F.sum(value * value).cast("double")
    variance = (squares - total * total / F.nullif(count, F.lit(0))) / F.nullif(count - 1, F.lit(0))
    # Rounding can leave a variance of zero slightly below it.
    return F.round(F.sqrt(F.when(variance < 0, F.lit(0.0)).otherwise(variance)), 6)


def count_if(condition: str) -> Column:
    """Number of rows that meet a condition."""
    return F.count_if(F.coalesce(F.expr(condition), F.lit(False)))
