"""Where the rows of some keys are."""

from datetime import date

from pyspark.sql import DataFrame

from catalog.tables import Source
from jobs.delta.lake import Lake


def nights_of(lake: Lake, source: Source, keys: DataFrame) -> set[date]:
    """The nights in which rows of some keys arrived; reads the keys of all that ever arrived."""
    rows = lake.read(f"bronze.{source.name}").join(keys, on=list(source.key), how="leftsemi")
    return {row._night for row in rows.select("_night").distinct().collect()}
