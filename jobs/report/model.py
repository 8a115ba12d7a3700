"""What the report says of the newest model that predicts failures: whether it beats the rule, in one line."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.delta.lake import Lake
from jobs.settings import Settings

PREDICTIONS = "failure_predictions"
COLUMNS = ("model_version", "first_night", "cut", "night", "beats_rule", "verdict")


def newest(lake: Lake) -> dict[str, DataFrame]:
    """Return the model of the latest night up to the report's, in one row, as `models`; nothing without a table."""
    if PREDICTIONS not in lake.settings.tables or not lake.exists("ops.models"):
        return {}
    known = lake.read("ops.models").where(F.col("night") <= lake.settings.night)
    latest = known.orderBy(F.desc("night"), F.desc("trained_at"))
    return {"models": latest.select(*COLUMNS).limit(1)}


def sentence(settings: Settings, rows: Sequence[Row]) -> str:
    """Return the line about a model; what makes one, where there is none; empty for a run that predicts nothing."""
    if PREDICTIONS not in settings.tables:
        return ""
    if not rows:
        return "No model predicts failures yet; `train` makes one."
    (row,) = rows
    return (
        f"Model {row.model_version}, trained on nights from {row.first_night} to before {row.cut} and scored on those "
        f"up to {row.night}, {row.verdict}."
    )
