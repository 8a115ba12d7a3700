"""What a model of failures knows of an inspection, and what it makes of that: the same expressions train and predict.

Only what was known when the part was inspected; nothing here may name `defect`.
"""

from math import nan

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.gold.tables.defect_rates import HOT, UNKNOWN

# Feature -> SQL over columns of `silver.inspection_features`; null where the machine had sent nothing.
MEASURED = {
    # The rule itself: what a model is better by is what the sensors say beside it.
    "is_hot": f"CAST({HOT} AS DOUBLE)",
    "temperature": "sensor_temperature",
    "temperature_rise": "sensor_temperature - sensor_temperature_average",
    "rotation_speed": "sensor_rotation_speed",
    "rotation_speed_change": "sensor_rotation_speed - sensor_rotation_speed_ema",
    "airflow_rate": "sensor_airflow_rate",
    "air_pressure": "sensor_air_pressure",
    "delay": "sensor_delay",
    "density": "sensor_density",
    "hours_since_measured": "(unix_seconds(timestamp) - unix_seconds(sensor_hour_end)) / 3600D",
}
# Columns of which each value is a feature of its own, `column=value`, 1 where it holds.
KINDS = ("factory_id", "model_id")
DIGITS = 6  # of a probability: another JVM's exp() may differ beyond


def features() -> Column:
    """MAP<STRING,DOUBLE> of a row of `silver.inspection_features`: feature -> value, null if it is not known."""
    measured = [(F.lit(name), F.nullif(F.expr(sql), F.lit(nan))) for name, sql in MEASURED.items()]
    kinds = [
        (F.concat(F.lit(f"{name}="), F.coalesce(name, F.lit(UNKNOWN))), F.lit(1.0).cast("double"))
        for name in KINDS
    ]
    return F.create_map(*[part for pair in [*measured, *kinds] for part in pair])


def is_hot() -> Column:
    """The rule's answer about a row of `silver.inspection_features`; false where a temperature is not known."""
    return F.coalesce(F.expr(HOT), F.lit(False))


def probability() -> Column:
    """The probability of a defect, from `features` and a model's `intercept`, `weights` and `means`.

    Logistic regression; a feature whose value is not known counts with its mean.
    """

    def add(total: Column, name: Column) -> Column:
        value = F.coalesce(F.try_element_at("features", name), F.try_element_at("means", name))
        return total + F.try_element_at("weights", name) * value

    logit = F.aggregate(F.map_keys("weights"), F.col("intercept"), add)
    return F.round(1 / (1 + F.exp(-logit)), DIGITS)


def is_computed() -> Column:
    """Whether each feature that a model has weights for is still computed here."""
    known = F.array(*[F.lit(name) for name in MEASURED])

    def is_known(name: Column) -> Column:
        return F.array_contains(known, name) | F.split_part(name, F.lit("="), F.lit(1)).isin(*KINDS)

    return F.forall(F.map_keys("weights"), is_known)
