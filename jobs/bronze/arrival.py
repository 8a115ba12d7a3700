"""When a landed file arrived: an instant, kept in its path."""

from pyspark.sql import Column
from pyspark.sql import functions as F

ARRIVED = r"/arrived=(\d{4}-\d{2}-\d{2})/"


def night_of(file: Column | str) -> Column:
    """The day (UTC) on which a file arrived, from its path: DATE."""
    return F.regexp_extract(file, ARRIVED, 1).try_cast("date")


def arrived_at(file: Column | str) -> Column:
    """The instant at which a file arrived, from its path: TIMESTAMP, the end of its day where only that is known."""
    return F.date_add(night_of(file), 1).cast("timestamp") - F.expr("INTERVAL 1 MICROSECOND")
