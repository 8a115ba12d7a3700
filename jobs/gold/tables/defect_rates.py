"""`gold.defect_rates`: how many parts of a machine were defective, and whether it had run hot."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold.aggregates import count_if, mean

# The rule: a machine whose temperature is above its average of the hours before makes defective parts.
HOT = "sensor_temperature > sensor_temperature_average"
UNKNOWN = "unknown"  # factory and model of a machine that sent nothing in the day before


def build_defect_rates(inspection_features: DataFrame) -> DataFrame:
    """One row per day, device, factory and model; hot is a temperature above its average of the hours before.

    Inspections of hot machines have counts of their own, so that any sum of rows shows how much likelier
    their parts are defective.
    """
    known = inspection_features.withColumns(
        {name: F.coalesce(name, F.lit(UNKNOWN)) for name in ("factory_id", "model_id")}
    )
    return known.groupBy("event_date", "device_id", "factory_id", "model_id").agg(
        F.count("*").alias("inspection_count"),
        F.sum(F.col("defect").cast("bigint")).alias("defect_count"),
        mean("defect").alias("defect_rate"),
        count_if(HOT).alias("hot_inspection_count"),
        count_if(f"{HOT} AND defect = 1").alias("hot_defect_count"),
        mean("sensor_temperature").alias("avg_temperature"),
        mean("sensor_rotation_speed").alias("avg_rotation_speed"),
        mean("sensor_air_pressure").alias("avg_air_pressure"),
        mean("sensor_delay").alias("avg_delay"),
        mean("sensor_density").alias("avg_density"),
    )
