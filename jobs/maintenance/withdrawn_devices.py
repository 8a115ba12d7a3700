"""Facts that were looked up in a withdrawn file of the registry: their nights are reconciled again, and no others.

Those are facts of devices that no other file names, and of devices that came with more than one type: the file may have
said which one they had by then.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import REGISTRY, SILVER, SOURCES, Source
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.silver.device_types import of_several_types

Dates = dict[date, set[date]]  # night -> event dates


def facts_of(lake: Lake, source: Source, is_own: Column) -> dict[Source, Dates]:
    """The nights of such facts in silver, by source, with the event dates of those.

    `is_own` says of a row of the source's bronze whether it is of the file. A source that names no `device_id` gives
    none.
    """
    looked_up = [fact for fact in SOURCES.values() if SILVER[fact.silver].lookup]
    there = [fact for fact in looked_up if lake.exists(f"silver.{fact.silver}")]
    if source.name not in REGISTRY or "device_id" not in source.fields or not there:
        return {}
    named = lake.read(f"bronze.{source.name}").where(is_own).select("device_id").dropna().distinct()
    of_others = union(_named_by_others(lake, each, source, is_own) for each in _with_devices(lake))
    alone = named.join(of_others, on="device_id", how="leftanti")
    devices = F.broadcast(alone.union(of_several_types(lake, named)).distinct())
    frames = [_nights(lake, fact, devices) for fact in there]
    found: dict[Source, Dates] = {}
    for row in union(frames).distinct().collect():
        days = found.setdefault(SOURCES[row.source], {}).setdefault(row.night, set())
        days.update({row.day} if row.day else ())
    return found


def _with_devices(lake: Lake) -> list[Source]:
    registry = [SOURCES[name] for name in dict.fromkeys(REGISTRY)]
    return [each for each in registry if "device_id" in each.fields and lake.exists(f"bronze.{each.name}")]


def _named_by_others(lake: Lake, registry: Source, source: Source, is_own: Column) -> DataFrame:
    """`device_id` of the rows of a source of the registry that are not of the file, and of which none was refused."""
    rows = lake.read(f"bronze.{registry.name}")
    rows = rows.where(~is_own) if registry == source else rows
    kind = registry.fields["device_id"].lower()
    device = F.try_variant_get(F.try_parse_json("raw"), "$.device_id", kind).alias("device_id")
    quarantine = lake.read("ops.quarantine").where(F.col("source") == registry.name)
    refused = quarantine.select(F.col("night").alias("_night"), F.col("file").alias("_file"), device)
    good = rows.select("device_id", "_night", "_file").join(
        refused, on=["device_id", "_night", "_file"], how="leftanti"
    )
    return good.select("device_id")


def _nights(lake: Lake, fact: Source, devices: DataFrame) -> DataFrame:
    silver = SILVER[fact.silver]
    day = F.col("event_date") if silver.is_dated else F.lit(None).cast("date")
    rows = lake.read(silver.full_name).join(devices, on="device_id", how="leftsemi")
    return rows.select(F.lit(fact.name).alias("source"), F.col("_night").alias("night"), day.alias("day"))
