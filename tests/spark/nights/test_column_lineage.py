"""What lineage says of columns is what Spark's analysis says: a column that is passed on keeps its field's metadata."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.lineage import Flow, columns, fields_of, night
from catalog.tables import DERIVED, GOLD, NAMES, SOURCES
from jobs.silver.clean import clean
from jobs.silver.lookups import types_of
from jobs.table_functions import table_function

# Made from the column that lineage names, but not passed on as it is.
COMPUTED = {
    ("silver.machine_sensors", "air_pressure"),
    ("staging.defect_rates", "factory_id"),
    ("staging.defect_rates", "model_id"),
}


def marked(spark: SparkSession, dataset: str) -> DataFrame:
    """No rows of a dataset, of which each field says whose it is."""
    columns = [
        F.lit(None).cast(kind).alias(name, metadata={"of": f"{dataset}.{name}"})
        for name, kind in fields_of(dataset).items()
    ]
    return spark.range(0).select(*columns)


def made(spark: SparkSession, step: str, flow: Flow) -> DataFrame:
    """What a step makes of such frames."""
    frames = [marked(spark, read) for read in flow.reads]
    if step == "gold":
        nights = [spark.sql("SELECT DATE'2024-03-05' AS night")] if GOLD[flow.name].slice == "night" else []
        return table_function("build", GOLD[flow.name])(*frames, *nights)
    if flow.name in DERIVED:
        return table_function("derive", DERIVED[flow.name])(*frames)
    source = next(source for source in SOURCES.values() if source.silver == flow.name)
    known = types_of(frames[1]) if len(frames) > 1 else None
    return clean(frames[0].withColumn("_line", F.struct("*")), known, source)


FLOWS = [(step, flow) for step in ("silver", "gold") for flow in night(NAMES)[step]]


@pytest.mark.parametrize(("step", "flow"), FLOWS, ids=[flow.writes[0] for _, flow in FLOWS])
def test_a_column_is_made_from_the_one_that_lineage_names(spark: SparkSession, step: str, flow: Flow) -> None:
    passed_on = {field.name: field.metadata.get("of") for field in made(spark, step, flow).schema.fields}
    written, said = flow.writes[0], columns(flow)
    for column, (dataset, field) in said.items():
        if field == column and (written, column) not in COMPUTED:
            assert passed_on[column] == f"{dataset}.{field}", column
    # Nothing that one table passes on under the same name is left out, unless it is made from several.
    alike = {name for name in fields_of(written) if (passed_on.get(name) or "").endswith(f".{name}")}
    assert alike <= said.keys() or (not said and len(flow.reads) > 1)
