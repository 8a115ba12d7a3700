"""What the registry has of devices, in all tables that facts look them up in."""

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import DERIVED, LOOKUPS, SILVER
from jobs.delta.frames import union
from jobs.delta.lake import Lake

_NAMED = {"device_id", "device_type"}


def of_several_types(lake: Lake, lookups: Collection[str] = LOOKUPS) -> DataFrame:
    """The devices that ever came with another type: `device_id`, one row each."""
    read = {*lookups}.union(*(DERIVED[lookup].reads for lookup in lookups))
    kept = [name for name in sorted(read) if _NAMED.issubset(SILVER[name].column_names)]
    came = union(lake.read(f"silver.{name}").select(*sorted(_NAMED)) for name in kept)
    several = came.groupBy("device_id").agg(F.count_distinct("device_type").alias("types"))
    return several.where("types > 1").select("device_id")
