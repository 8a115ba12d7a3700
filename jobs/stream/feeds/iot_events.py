"""`iot_events`: events as they happen, made in plain Python like those of the nights. One row per event."""

from datetime import date

from pyspark.sql import DataFrame, SparkSession

from catalog.tables import SOURCES
from jobs.bronze import parsing
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.event_pools import defaults
from jobs.generate.feeds.iot_events import event
from jobs.generate.python_delivery import text

FIRST_ROW = 1_000_000  # above the numbers of the night's own events, so that no id is given twice


def rows_of(spark: SparkSession, night: date, seed: int, numbered: list[tuple[int, int]]) -> DataFrame:
    """Return one event per given (second of the night, number of the row)."""
    index, catalogs = (night - FIRST_NIGHT).days, defaults()
    made = [(text(event(seed, index, FIRST_ROW + row, catalogs, second)),) for second, row in numbered]
    source = SOURCES["iot_events"]
    return parsing.parse(spark.createDataFrame(made, "value STRING"), source).select(*source.fields)
