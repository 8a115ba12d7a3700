"""`silver.inspection_features`: each inspection with what was known of its machine when it took place."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER
from jobs.silver.time_series import HOUR, as_of_join, ema, interpolate, moving_average, resample

TRIP = ("device_id", "trip_id", "factory_id", "model_id")
MEASURED = (
    "airflow_rate",
    "rotation_speed",
    "rotation_speed_ema",
    "air_pressure",
    "temperature",
    "delay",
    "density",
)
# With the hours before a row's own and their gaps this reaches back 32 hours: less than the table's `days`.
WITHIN = 24 * HOUR


def derive_inspection_features(machine_sensors: DataFrame, inspections: DataFrame) -> DataFrame:
    """One row per inspection, with the last hour of its machine that had ended by then and has a temperature.

    Nothing of it is later than the inspection: an hour is known when it has ended, and gaps are filled only
    in hours before it. An inspection of a machine that sent nothing in the day before has nulls.
    """
    readings = ema(machine_sensors, "rotation_speed", series=TRIP, time="timestamp")
    hours = resample(readings, MEASURED, series=TRIP, time="timestamp")
    gapless = interpolate(hours, "temperature", series=TRIP)
    compared = moving_average(gapless, "temperature", series=TRIP)
    known = compared.where("temperature IS NOT NULL AND NOT is_interpolated").select(
        F.timestamp_seconds(F.unix_seconds("hour") + HOUR).alias("sensor_hour_end"),
        *TRIP,
        *[F.col(name).alias(f"sensor_{name}") for name in (*MEASURED, "temperature_average")],
    )
    joined = as_of_join(
        inspections, known, on=["device_id"], time="timestamp", known_at="sensor_hour_end", within=WITHIN
    )
    return joined.select(*SILVER["inspection_features"].column_names)
