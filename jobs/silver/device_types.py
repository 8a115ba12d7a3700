"""Which types the registry ever gave a device, in whichever of its rows silver has taken."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import LOOKUPS, REGISTRY, SILVER, SOURCES, Source
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.silver.clean import clean

_NAMED = ("device_id", "device_type")


def of_several_types(lake: Lake, devices: DataFrame | None = None) -> DataFrame:
    """The devices to which the registry ever gave more than one type: `device_id`, one row each.

    Only those among `devices`, if given. Bronze knows of types that silver has no more: of rows in whose place a
    correction is, or one that arrived before them. Facts may have been looked up in those.
    """
    registry = [SOURCES[name] for name in dict.fromkeys(REGISTRY)]
    frames = [lake.read(f"silver.{lookup}").select(*_NAMED) for lookup in sorted(LOOKUPS)]
    frames += [
        _as_silver(lake, source)
        for source in registry
        if {*_NAMED}.issubset(SILVER[source.silver].column_names)
    ]
    came = union(frames)
    if devices is not None:
        came = came.join(devices.distinct(), on="device_id", how="leftsemi")
    types = came.groupBy("device_id").agg(F.count_distinct("device_type").alias("types"))
    return types.where("types > 1").select("device_id")


def _as_silver(lake: Lake, source: Source) -> DataFrame:
    rows = lake.read(f"bronze.{source.name}").withColumn("_line", F.struct("*"))
    return clean(rows, None, source).select(*_NAMED)
