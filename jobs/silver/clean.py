"""From typed bronze columns to a silver table's columns: one row per bronze row.

Most tables hold their source's columns, with what `clean` adds by itself. A table that needs more has a
function `clean_<table>(rows)` of its own, in `jobs/silver/tables/<table>.py`.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER, Source, Table
from jobs.delta.frames import any_of
from jobs.silver.lookups import with_type
from jobs.table_functions import find_table_function

PASSED_ON = ("_night", "_file", "_malformed", "_line")


def clean(rows: DataFrame, known_devices: DataFrame | None, source: Source) -> DataFrame:
    """The rows of a source with the columns of its silver table; those of PASSED_ON pass through.

    `_misfits` are reasons for values within a row's fields that do not fit; a table's own function finds them.
    A query fails whose function changes the key of a row, or its day.

    A row with an `event_date` has that of its `timestamp`. Where devices are looked up, a row has the `device_type`
    that its device had by then, null when no such device was ever known. `known_devices` is that of
    `jobs.silver.lookups`; None where the catalog names no lookup.
    """
    table = SILVER[source.silver]
    dated = rows.withColumn("event_date", F.to_date("timestamp")) if table.is_dated else rows
    dated = dated.withColumn("_misfits", F.array().cast("array<string>"))
    own = find_table_function("clean", table)
    if own:
        said = f"clean_{table.name} changes {', '.join(source.key)} or the day of timestamp: leave them as they came"
        refused = F.raise_error(F.lit(f"{said}, and give what is made of them columns of its own"))
        found = F.when(_is_another(source, table), refused).otherwise(F.col("_misfits"))
        dated = own(dated).withColumn("_misfits", found)
    if known_devices is not None:
        dated = with_type(dated, known_devices, table)
    columns = [name for name in table.column_names if not name.startswith("_")]
    return dated.select(*columns, *PASSED_ON, "_misfits")


def _is_another(source: Source, table: Table) -> Column:
    """Whether a row has another key or day than its bronze row, by which silver's rows and nights are looked up."""
    kinds = table.types
    pairs = [
        (F.col(name).try_cast(kinds[name]), F.col(f"_line.{name}").try_cast(kinds[name]))
        for name in source.key
    ]
    if table.is_dated:
        days = [F.to_date(name) for name in ("timestamp", "event_date") if name in kinds]
        pairs += [(day, F.to_date("_line.timestamp")) for day in days]
    return any_of(~own.eqNullSafe(came) for own, came in pairs)
