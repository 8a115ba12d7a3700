"""What the registry comes to know of devices after their facts arrived: the nights of these are reconciled again.

So it does not matter to silver which came first, nor in which order the nights are run.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import REGISTRY, SILVER, SOURCES, UNKNOWN_DEVICE, Source
from jobs.delta.frames import is_in, union
from jobs.delta.lake import Lake
from jobs.silver.device_types import of_several_types
from jobs.silver.lookups import types_of, with_type
from jobs.silver.merging import Dates
from jobs.silver.pending import PendingBatch


def nights_of(lake: Lake, batches: Sequence[PendingBatch]) -> dict[Source, Dates]:
    """Return source -> nights that have facts whose device has become known, or had another type than they say.

    The batches' own nights are left out. Sources that are not selected are among them, since no later run would find
    these nights. None has lost rows, so each has no event dates. One query, unless the batches name a device that came
    with more than one type.
    """
    own = {batch.source.name: {*batch.nights} for batch in batches}
    facts = {source.name: source for source in SOURCES.values() if SILVER[source.silver].lookup}
    # What the run has selected is there, and needs no question.
    in_order = sorted(facts.values(), key=lambda source: source not in lake.settings.sources)
    if not any(_is_there(lake, source) for source in in_order):
        return {}
    changed = _of_several_types(lake, batches)
    is_changed = changed.limit(1).select(F.lit(None).alias("source"), F.lit(None).alias("night"))
    rows = union([*_refused(lake, facts.values()), is_changed]).distinct().collect()
    if any(row.source is None for row in rows):
        there = [source for source in in_order if _is_there(lake, source)]
        rows += union(_of_another_type(lake, source, changed, own) for source in there).distinct().collect()
    found: dict[Source, Dates] = {}
    for row in rows:
        if row.source and row.night not in own.get(row.source, ()):
            found.setdefault(facts[row.source], {})[row.night] = set()
    others = [source for source in found if source not in lake.settings.sources]
    lake.ensure(name for each in others for name in (f"bronze.{each.name}", f"silver.{each.silver}"))
    return found


def _is_there(lake: Lake, source: Source) -> bool:
    return source in lake.settings.sources or lake.exists(f"silver.{source.silver}")


def _refused(lake: Lake, facts: Iterable[Source]) -> list[DataFrame]:
    """`source` and `night` of the facts in quarantine whose device is known now; a frame for those looked up alike."""
    alike: dict[tuple[str, str], list[str]] = {}
    for source in facts:
        silver = SILVER[source.silver]
        alike.setdefault((silver.lookup, silver.types["device_id"].lower()), []).append(source.name)
    refused = lake.read("ops.quarantine").where(F.array_contains("reasons", UNKNOWN_DEVICE))
    frames = []
    for (lookup, kind), names in alike.items():
        device = F.try_variant_get(F.try_parse_json("raw"), "$.device_id", kind).alias("device_id")
        rows = refused.where(is_in("source", names)).select("source", "night", device)
        known = lake.read(f"silver.{lookup}").where("device_type IS NOT NULL")
        frames.append(rows.join(known, on="device_id", how="leftsemi").select("source", "night"))
    return frames


def _of_several_types(lake: Lake, batches: Sequence[PendingBatch]) -> DataFrame:
    """`device_id` of the devices that the batches of the registry name, and that ever came with another type."""
    registry = [batch for batch in batches if batch.source.name in REGISTRY]
    if not all("device_id" in batch.source.fields for batch in registry):
        return of_several_types(lake)
    named = union(lake.read(batch.bronze).where(batch.is_own()).select("device_id") for batch in registry)
    return of_several_types(lake, named)


def _of_another_type(
    lake: Lake, source: Source, devices: DataFrame, own: Mapping[str, Iterable[date]]
) -> DataFrame:
    """`source` and `night` of the facts of some devices that have another type than theirs had by then."""
    silver = SILVER[source.silver]
    is_other: Column = ~is_in("_night", own.get(source.name, ()))
    facts = (
        lake.read(silver.full_name).where(is_other).join(F.broadcast(devices), on="device_id", how="leftsemi")
    )
    types = types_of(lake.read(f"silver.{silver.lookup}"))
    now = with_type(facts.withColumnRenamed("device_type", "_had"), types, silver)
    return now.where("NOT (device_type <=> _had)").select(
        F.lit(source.name).alias("source"), F.col("_night").alias("night")
    )
