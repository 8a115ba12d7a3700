"""Devices that the registry comes to know after their facts arrived: the nights of these are reconciled again.

So it does not matter to silver which came first, nor in which order the nights are run.
"""

from collections.abc import Sequence

from pyspark.sql import functions as F

from catalog.tables import SILVER, UNKNOWN_DEVICE, Source
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.silver.merging import Dates
from jobs.silver.pending import PendingBatch
from jobs.silver.validation import known_devices


def nights_of(lake: Lake, batches: Sequence[PendingBatch]) -> dict[Source, Dates]:
    """The nights, by source, that have facts in quarantine of devices that are known now; none of the batches' own.

    Looks at the selected sources alone. Their nights have lost no event dates.
    """
    own = {batch.source.name: {*batch.nights} for batch in batches}
    facts = {source.name: source for source in lake.settings.sources if SILVER[source.silver].lookup}
    if not facts:
        return {}
    refused = lake.read("ops.quarantine").where(F.array_contains("reasons", UNKNOWN_DEVICE))
    device = F.try_variant_get(F.try_parse_json("raw"), "$.device_id", "bigint").alias("device_id")
    frames = []
    for name, source in facts.items():
        rows = refused.where(F.col("source") == name).select("source", "night", device)
        if (known := known_devices(lake, SILVER[source.silver].lookup)) is not None:
            frames.append(rows.join(known.where("device_type IS NOT NULL"), on="device_id", how="leftsemi"))
    found: dict[Source, Dates] = {}
    for row in union(frames).select("source", "night").distinct().collect():
        if row.night not in own.get(row.source, ()):
            found.setdefault(facts[row.source], {})[row.night] = set()
    return found
