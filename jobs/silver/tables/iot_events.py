"""`silver.iot_events`: events with an object of changing keys."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def clean_iot_events(rows: DataFrame) -> DataFrame:
    """An event, its `json_column` as `payload`: the object itself, also where it came as a text of JSON."""
    came_as_text = "try_variant_get(json_column, '$', 'string')"
    payload = f"IF(schema_of_variant(json_column) = 'STRING', try_parse_json({came_as_text}), json_column)"
    return rows.withColumn("payload", F.expr(payload))
