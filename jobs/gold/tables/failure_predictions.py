"""`gold.failure_predictions`: how likely a defect was, by a model that has seen no outcome of that day or later."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.gold.failure_features import features, is_computed, is_hot, probability


def build_failure_predictions(inspection_features: DataFrame, models: DataFrame) -> DataFrame:
    """One row per inspection of a day after the nights of a model that beats the rule; the newest such model says it.

    So a model that is trained later changes no earlier prediction, unless it is filed under an earlier night.
    `is_hot` is the rule; `defect` is what came of it.
    """
    known = inspection_features.withColumn("features", features())
    is_its_turn = F.expr("event_date > trained_until AND (next_until IS NULL OR event_date <= next_until)")
    predicted = known.join(F.broadcast(_in_turn(models)), on=is_its_turn, how="inner")
    return predicted.select(
        "event_date",
        "device_id",
        "timestamp",
        "trip_id",
        "factory_id",
        "model_id",
        probability().alias("probability"),
        is_hot().alias("is_hot"),
        "defect",
        "model_version",
        "trained_until",
    )


def _in_turn(models: DataFrame) -> DataFrame:
    """The models that may predict, the newest of each night, with the night from which on the next one does."""
    of_night = F.max_by(
        F.struct("model_version", "intercept", "weights", "means"), F.struct("trained_at", "model_version")
    )
    newest = models.where(F.col("beats_rule") & is_computed()).groupBy("night").agg(of_night.alias("newest"))
    return newest.select(
        F.col("night").alias("trained_until"),
        F.lead("night").over(Window.partitionBy(F.lit(1)).orderBy("night")).alias("next_until"),
        "newest.*",
    )
