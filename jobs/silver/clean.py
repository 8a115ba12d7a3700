"""From typed bronze columns to a silver table's columns: one row per bronze row.

Most tables hold their source's columns, with what `clean` adds by itself. A table that needs more has a
function `clean_<table>(rows)` of its own, in `jobs/silver/tables/<table>.py`.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER, Source
from jobs.silver.lookups import with_type
from jobs.table_functions import find_table_function

PASSED_ON = ("_night", "_file", "_malformed", "_line")


def clean(rows: DataFrame, known_devices: DataFrame | None, source: Source) -> DataFrame:
    """The rows of a source with the columns of its silver table; those of PASSED_ON pass through.

    `_is_mistyped` says of a row that a value within one of its fields does not fit; a table's own function finds out.

    A row with an `event_date` has that of its `timestamp`. Where devices are looked up, a row has the `device_type`
    that its device had by then, null when no such device was ever known. `known_devices` is that of
    `jobs.silver.lookups`; None where the catalog names no lookup.
    """
    table = SILVER[source.silver]
    dated = rows.withColumn("event_date", F.to_date("timestamp")) if table.is_dated else rows
    dated = dated.withColumn("_is_mistyped", F.lit(False))
    own = find_table_function("clean", table)
    if own:
        dated = own(dated)
    if known_devices is not None:
        dated = with_type(dated, known_devices, table)
    columns = [name for name in table.column_names if not name.startswith("_")]
    return dated.select(*columns, *PASSED_ON, "_is_mistyped")
