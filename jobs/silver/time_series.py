"""Time series in plain Spark windows: averages, hours, gaps, and joins that never look ahead.

A series is the rows that share the columns `series`, in the order of `time`. Every function looks back no
further than it says, so that what comes of a day does not depend on how many days before it were read.
Values are rounded to 6 digits, and sums are of decimals or in the order of time: the order in which rows
are read changes nothing.
"""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

FACTOR = (
    0.2  # of the newest value in an exponential moving average; each older one counts 1 - FACTOR of the next
)
HOUR = 3600
_DECIMAL = "decimal(18,6)"


def ema(
    rows: DataFrame, value: str, *, series: Sequence[str], time: str, over: int = 5, within: int = HOUR
) -> DataFrame:
    """Add `<value>_ema`, the exponential moving average over a row and those before it: `over` rows in all.

    Only values count that are there and not older than `within` seconds; their weights make up for the rest,
    so that a series does not begin near zero. Null when none counts. Times within a series are unique.
    """
    before = _ordered(series, time)
    weighted, weights = [], []
    for ago in range(over):
        past, when = F.lag(value, ago).over(before), F.lag(time, ago).over(before)
        counts = past.isNotNull() & (_seconds(F.col(time)) - _seconds(when) <= within)
        weight = F.lit(FACTOR * (1 - FACTOR) ** ago)
        weighted.append(F.when(counts, past * weight).otherwise(0.0))
        weights.append(F.when(counts, weight).otherwise(0.0))
    return rows.withColumn(f"{value}_ema", F.round(_sum(weighted) / F.nullif(_sum(weights), F.lit(0.0)), 6))


def resample(rows: DataFrame, values: Sequence[str], *, series: Sequence[str], time: str) -> DataFrame:
    """One row per series and `hour` in which it has a row: the means of the values that are not null.

    A mean is null if one of its values is 10^12 or more.
    """
    hours = rows.withColumn("hour", F.date_trunc("hour", F.col(time)))
    means = [_mean(name).alias(name) for name in values]
    return hours.groupBy(*series, "hour").agg(*means)


def _mean(name: str) -> Column:
    value = F.col(name).try_cast(_DECIMAL)
    mean = F.round(F.avg(value).cast("double"), 6)
    return F.when(F.count(value) == F.count(name), mean)


def interpolate(hours: DataFrame, value: str, *, series: Sequence[str], at_most: int = 3) -> DataFrame:
    """Fill gaps of at most so many hours on the straight line between the values around them.

    One row per series and `hour`, also for hours in a gap that had no row; the other values of those are
    null. Adds `is_interpolated`: the value is not measured, and was unknown until the gap had ended. Longer
    gaps, and hours before the first value or after the last, stay as they are.
    """
    in_order = _ordered(series, "hour")
    gap = (_seconds(F.lead("hour").over(in_order)) - _seconds(F.col("hour"))) / HOUR - 1
    missing = F.when(gap <= at_most, gap.cast("int")).otherwise(0)
    others = F.struct("*").dropFields(*series, "hour").alias("_others")
    hour = F.timestamp_seconds(_seconds(F.col("hour")) + HOUR * F.col("_later")).alias("hour")
    gapless = (
        hours.select(*series, "hour", others, missing.alias("_missing"))
        .withColumn("_later", F.explode(F.sequence(F.lit(0), F.col("_missing"))))
        .select(*series, hour, F.when(F.col("_later") == 0, F.col("_others")).alias("_others"), "_later")
        .select(*series, "hour", "_others.*", "_later")
    )
    known = F.when(F.col(value).isNotNull(), F.struct(_seconds(F.col("hour")).alias("at"), value))
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    from_here = in_order.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    around = gapless.withColumns(
        {
            "_before": F.last(known, ignorenulls=True).over(so_far),
            "_after": F.first(known, ignorenulls=True).over(from_here),
        }
    )
    span = F.col("_after.at") - F.col("_before.at")
    share = (_seconds(F.col("hour")) - F.col("_before.at")) / span
    line = F.col(f"_before.{value}") + (F.col(f"_after.{value}") - F.col(f"_before.{value}")) * share
    is_filled = F.col(value).isNull() & (span <= HOUR * (at_most + 1))
    filled = around.withColumns(
        {
            "is_interpolated": F.coalesce(is_filled, F.lit(False)),
            value: F.when(is_filled, F.round(line, 6)).otherwise(F.col(value)),
        }
    )
    kept = filled.where("_later = 0 OR is_interpolated")
    return kept.select(F.expr("* EXCEPT (_later, _before, _after)"))


def moving_average(hours: DataFrame, value: str, *, series: Sequence[str], over: int = 3) -> DataFrame:
    """Add `<value>_average`, the mean of the `over` hours before a row's own; null when none of them is there."""
    seconds = Window.partitionBy(*series).orderBy(_seconds(F.col("hour")))
    before = seconds.rangeBetween(-over * HOUR, -HOUR)
    return hours.withColumn(f"{value}_average", F.round(F.avg(value).over(before), 6))


def as_of_join(
    rows: DataFrame, known: DataFrame, *, on: Sequence[str], time: str, known_at: str, within: int
) -> DataFrame:
    """Every row with the columns of the newest known one that was known by the row's time, if any.

    Known is what became known at that instant or up to `within` seconds before it, and shares the columns
    `on`; of several that became known at once the greatest is taken, by its columns in their order. Nothing
    that was known only later is ever joined.
    """
    facts = known.select(*on, F.col(known_at).alias("_at"), F.struct("*").dropFields(*on).alias("_known"))
    asking = rows.select(*on, F.col(time).alias("_at"), F.struct("*").alias("_row"))
    # A row comes after what became known at its very instant.
    in_order = Window.partitionBy(*on).orderBy("_at", F.col("_row").isNotNull(), "_known")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    joined = (
        facts.unionByName(asking, allowMissingColumns=True)
        .withColumn("_known", F.last("_known", ignorenulls=True).over(so_far))
        .where(F.col("_row").isNotNull())
    )
    is_new = _seconds(F.col("_at")) - _seconds(F.col(f"_known.{known_at}")) <= within
    found = joined.select("_row", F.when(is_new, F.col("_known")).alias("_known"))
    return found.select("_row.*", "_known.*")


def _ordered(series: Sequence[str], time: str) -> WindowSpec:
    return Window.partitionBy(*series).orderBy(time)


def _seconds(time: Column) -> Column:
    return F.unix_seconds(time)


def _sum(terms: Sequence[Column]) -> Column:
    return reduce(lambda one, other: one + other, terms)
