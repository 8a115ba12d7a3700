"""A job's handle on its lake: reads and writes in SQL and DataFrames only, so that serverless compute can run it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from operator import and_
from typing import Any

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.pipeline import writers_of
from catalog.tables import TABLES, Source
from jobs.delta import schema
from jobs.delta.digests import Digest, digests_of
from jobs.delta.frames import any_of, folded, is_in, is_same
from jobs.errors import JobError
from jobs.settings import Settings


@dataclass(frozen=True)
class Lake:
    """A Spark session and the job's settings, through which a job reads and writes the lake's tables.

    Tables are named `layer.name`, as in the catalog.
    """

    spark: SparkSession
    settings: Settings

    def ensure(self, names: Iterable[str]) -> None:
        """Create missing tables and add missing columns. Raises UsageError for columns that cannot be added."""
        schema.ensure(self, names)

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        return bool(self.spark.catalog.tableExists(self.settings.table(name)))

    def names(self, layer: str) -> set[str]:
        """The bare names of the tables that a layer has."""
        return schema.names(self, layer)

    def create_with(self, name: str, frame: DataFrame) -> bool:
        """Create a table with its first rows in one commit: nobody finds it empty.

        False, and nothing done, when it is there by then.
        """
        return schema.create_with(self, TABLES[name], frame)

    def read(self, name: str) -> DataFrame:
        """Return the rows of a table."""
        return self.spark.table(self.settings.table(name))

    @property
    def commit_metadata(self) -> str:
        """What a commit says of the job that makes it; `history-of` reads it."""
        settings = self.settings
        return json.dumps({"run_id": settings.run_id, "stage": settings.step, "night": str(settings.night)})

    def sign_commits(self) -> None:
        """Have every commit of the session carry the metadata from now on: merges have no option for it.

        Serverless compute refuses the setting: there, merges and commands in SQL do not say who made them.
        """
        with suppress(PySparkException):
            self.spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", self.commit_metadata)

    def append(self, name: str, frame: DataFrame, once: tuple[str, int] | None = None) -> None:
        """Append rows to a table in one commit.

        `once` is `(txnAppId, txnVersion)`: Delta skips a commit whose version is not higher than this
        application's last.
        """
        ordered = frame.select(*TABLES[name].column_names)
        # The option too, for serverless.
        writer = ordered.write.format("delta").mode("append").option("userMetadata", self.commit_metadata)
        if once:
            writer = writer.option("txnAppId", once[0]).option("txnVersion", once[1])
        writer.saveAsTable(self.settings.table(name))

    def overwrite(self, name: str, frame: DataFrame) -> None:
        """Replace all rows of a table in one commit."""
        self.replace_where(name, frame, F.lit(True))

    def replace_where(self, name: str, frame: DataFrame, condition: Column) -> None:
        """Replace the rows that meet a condition in one commit; every row of the frame must meet it."""
        ordered = frame.select(*TABLES[name].column_names)
        writer = ordered.writeTo(self.settings.table(name)).option("userMetadata", self.commit_metadata)
        writer.overwrite(condition)

    def upsert(self, name: str, frame: DataFrame, key: Sequence[str], kept: Sequence[str] = ()) -> None:
        """Insert rows, or update those with the same key but for the columns `kept`, in one commit."""
        ordered = frame.select(*TABLES[name].column_names).alias("new")
        old = TABLES[name].name
        same = [F.col(f"new.`{column}`").eqNullSafe(F.col(f"{old}.`{column}`")) for column in key]
        merging = ordered.mergeInto(self.settings.table(name), folded(and_, same))
        changed = {
            f"`{each}`": F.col(f"new.`{each}`") for each in TABLES[name].column_names if each not in kept
        }
        merging.whenMatched().update(changed).whenNotMatched().insertAll().merge()

    def delete(self, name: str, frame: DataFrame, key: Sequence[str]) -> None:
        """Delete the rows that have the key of a row of the frame, in one commit."""
        merging = frame.alias("gone").mergeInto(
            self.settings.table(name), is_same(key, "gone", TABLES[name].name)
        )
        merging.whenMatched().delete().merge()

    def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Rows of each table, in one query that Delta answers from its log."""
        return self._of_each(names, F.count("*"))

    def latest(self, names: Iterable[str], column: str) -> dict[str, date | None]:
        """The latest date that a column of each table holds, in one query that Delta answers from its log."""
        return self._of_each(names, F.max(column))

    def _of_each(self, names: Iterable[str], aggregate: Column) -> dict[str, Any]:
        values = [self.read(name).agg(aggregate).scalar().alias(name) for name in dict.fromkeys(names)]
        return self.spark.range(1).select(*values).collect()[0].asDict() if values else {}

    def nights_of(self, source: Source, keys: DataFrame) -> set[date]:
        """The nights in which rows of some keys arrived; reads the keys of all that ever arrived from the source."""
        rows = self.read(f"bronze.{source.name}").join(keys, on=list(source.key), how="leftsemi")
        return {row._night for row in rows.select("_night").distinct().collect()}

    def digests(self, slices: Mapping[str, Iterable[date] | None]) -> list[Digest]:
        """Compute the digests of some slices of tables in one query; of a table's every slice for None."""
        rows = {
            TABLES[name]: self.read(name).where(_is_among(TABLES[name].slice, days))
            for name, days in slices.items()
        }
        return digests_of(rows)

    def record_digests(self, slices: Mapping[str, Iterable[date] | None], found: Iterable[Digest]) -> None:
        """Replace the digests of the given slices in `ops.digests` with `found`, in one commit."""
        if not slices:
            return
        run_id = self.settings.run_id
        rows = [(each.table, each.night, each.rows, each.digest, each.code, run_id) for each in found]
        fresh = self.spark.createDataFrame(rows, TABLES["ops.digests"].columns)
        # Not an upsert: a slice that has no rows any more must lose its digest too.
        replaced = ((F.col("table") == name) & _is_among("night", days) for name, days in slices.items())
        self.replace_where("ops.digests", fresh, any_of(replaced))

    def missing(self, error: AnalysisException) -> JobError | None:
        """Return an error that says which stage creates the missing table, if `error` is about one; else None."""
        for name in TABLES:
            full_name = self.settings.table(name)
            if error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND" and full_name in str(error):
                # Of `ops`, silver makes those that other stages read.
                maker = (*writers_of(name), "silver")[0]
                return JobError(
                    f"there is no table {full_name.replace('`', '')} yet; run `{maker}` before "
                    f"`{self.settings.stage}`"
                )
        return None


def _is_among(column: str, days: Iterable[date] | None) -> Column:
    """Whether a DATE column is one of the days; None means every day."""
    return F.lit(True) if days is None else is_in(column, days)
