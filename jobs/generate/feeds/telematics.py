"""`telematics`: dbldatagen's own data set of positions, one a second of the night. One row per position."""

from datetime import date

import dbldatagen as dg
from pyspark.sql import DataFrame, SparkSession

from catalog.tables import SOURCES
from jobs.generate.feed import FrameFeed
from jobs.generate.spark_delivery import PARTITIONS
from jobs.generate.values import Values

DEVICES = 1000
JITTER = 0.0005  # degrees, as dbldatagen has it


def positions(spark: SparkSession, night: date, rows: int, seed: int) -> DataFrame:
    """The data set `basic/telematics` of dbldatagen for one night; device after device, second after second.

    Its own jitter comes from `rand()`: here it is a hash of the seed, so that a night is always the same rows.
    """
    day = f"{night} 00:00:00", f"{night} 23:59:59"
    spec = dg.Datasets(spark, "basic/telematics").get(
        rows=rows, partitions=PARTITIONS, numDevices=DEVICES, startTimestamp=day[0], endTimestamp=day[1]
    )
    values = Values(seed, "telematics")
    for name, base, limit in (("latitude", "base_lat", 90), ("longitude", "base_lon", 180)):
        jitter = values.between(name, -JITTER, JITTER, f"DATE'{night}'", "id")
        inside = f"greatest(-{limit}D, least({limit}D, {base} + {jitter}))"
        spec = spec.withColumn(name, "double", expr=f"round({inside}, 6)")
    built: DataFrame = spec.build()
    return built.withColumnRenamed("ts", "timestamp").select(*SOURCES["telematics"].fields)


FEED = FrameFeed("telematics", 86_400, is_reliable=True, frame=positions)
