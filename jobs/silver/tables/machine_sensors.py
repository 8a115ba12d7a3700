"""`silver.machine_sensors`: what factory machines measured."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def clean_machine_sensors(rows: DataFrame) -> DataFrame:
    """A reading whose air pressure is positive; `is_pressure_flipped` where it came with its sign flipped."""
    return rows.withColumns(
        {
            "is_pressure_flipped": F.coalesce(F.col("air_pressure") < 0, F.lit(False)),
            "air_pressure": F.abs("air_pressure"),
        }
    )
