"""Stage `train`: learn from the nights before a cut, score on those after it, keep model and scores in the lake."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from catalog.tables import TABLES
from jobs.errors import JobError, UsageError
from jobs.gold.failure_features import features, is_hot
from jobs.model.evaluation import Evaluation, evaluate
from jobs.model.inspections import Inspections, from_arrow, split
from jobs.model.training import LIBRARY, Model, train
from jobs.outcome import TableResult

if TYPE_CHECKING:
    from jobs.delta.lake import Lake
    from jobs.model.arguments import Options

SOURCE, MODELS = "silver.inspection_features", "ops.models"
SCORES = ("average_precision", "precision_at_k", "brier", "log_loss")


def run(lake: Lake) -> list[TableResult]:
    """Train a model and keep it in `ops.models`, with its scores; one that comes out the same again is kept once.

    Only one that beats the rule makes predictions. Rows of a result: models.

    Raises UsageError when the catalog has nothing to learn from, or the nights do not have what it takes, and JobError
    when there are no inspections in the lake yet.
    """
    if lacking := sorted({SOURCE, MODELS} - TABLES.keys()):
        raise UsageError(f"the catalog has no {' and no '.join(lacking)}, so there is nothing to train on")
    if not lake.exists(SOURCE):
        raise JobError(f"there is no table {SOURCE} yet; run `silver` before `train`")
    options: Options = lake.settings.options
    version = _version(lake)
    known, held_back = split(_read(lake, version), options.cut(lake.settings.night))
    model = train(known)
    found = evaluate(model, known, held_back)
    row = {
        **_of_run(lake),
        "data_version": version,
        **_counts("train", known),
        **_counts("test", held_back),
        **_of_model(model),
        **_of_scores(found),
    }
    row["model_version"] = f"{lake.settings.night}-{model.digest}"
    _keep(lake, row)
    summary = f"{row['model_version']} {found.verdict}"
    return [TableResult(MODELS, 1, {"summary": summary, "beats_rule": found.beats_rule, "read": [SOURCE]})]


def _version(lake: Lake) -> int:
    """The table's newest version: what is read and what is written down are the same."""
    history = lake.spark.sql(f"DESCRIBE HISTORY {lake.settings.table(SOURCE)} LIMIT 1")
    return int(history.select("version").collect()[0][0])


def _read(lake: Lake, version: int) -> Inspections:
    """The inspections of the nights to learn from and to score on, as far as they had arrived by the last of them.

    Collected into this process: a thousand a night, as the simulator has them, are some megabytes a year.
    """
    options, last = lake.settings.options, lake.settings.night
    rows = lake.spark.sql(f"SELECT * FROM {lake.settings.table(SOURCE)} VERSION AS OF {version}")
    found = rows.where(F.col("event_date").between(options.first(last), last) & (F.col("_night") <= last))
    return from_arrow(
        found.orderBy("event_date", "timestamp", "device_id")
        .select(
            features().alias("features"),
            is_hot().alias("is_hot"),
            "defect",
            F.concat_ws(
                "/",
                "device_id",
                F.coalesce(*[F.col(name).cast("string") for name in ("trip_id", "event_date")]),
            ).alias("trip"),
            "event_date",
            "_night",
        )
        .toArrow()
    )


def _of_run(lake: Lake) -> dict[str, object]:
    options, last = lake.settings.options, lake.settings.night
    return {
        "night": last,
        "first_night": options.first(last),
        "cut": options.cut(last),
        "library": LIBRARY,
        "run_id": lake.settings.run_id,
        "trained_at": datetime.now(UTC),
    }


def _counts(side: str, inspections: Inspections) -> dict[str, int]:
    return {f"{side}_rows": len(inspections), f"{side}_defects": int(inspections.defect.sum())}


def _of_model(model: Model) -> dict[str, object]:
    return {name: getattr(model, name) for name in ("intercept", "weights", "means")}


def _of_scores(found: Evaluation) -> dict[str, object]:
    scores = {name: found.by_predictor(name) for name in SCORES}
    return {"k": found.k, **scores, "beats_rule": found.beats_rule, "verdict": found.verdict}


def _keep(lake: Lake, row: dict[str, object]) -> None:
    """Bring a model into the table, which the first one creates: gold goes by whether it is there."""
    table = TABLES[MODELS]
    frame = lake.spark.createDataFrame([tuple(row[name] for name in table.column_names)], table.columns)
    if lake.exists(MODELS) or not lake.create_with(MODELS, frame):
        lake.ensure([MODELS])
        lake.upsert(MODELS, frame, key=["model_version"])
