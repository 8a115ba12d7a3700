"""A platform, seen from its jobs: argument lists go in, tables and pages come out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from catalog.columns import columns_of
from catalog.tables import TABLES, Table
from jobs.cli import parser
from jobs.delta.digests import HALF_BITS, hash_of
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.main import main
from jobs.settings import Settings
from tests.support.emitted import Emitted
from tests.support.stages import stand_still
from tests.support.standin.compute import Ended

COMPARED = [name for name, table in TABLES.items() if table.layer in ("silver", "gold")]

# Rows of a slice of a table, and a number that differs when one of them does.
Digests = dict[tuple[str, date], tuple[int, int]]


@dataclass
class Side:
    """A platform with a lake."""

    spark: SparkSession
    emitted: Mapping[str, Emitted]
    """Name of a run -> what its DAG emits for this platform."""
    job: Callable[[Sequence[str]], Ended]
    here: Callable[[Sequence[str]], list[str]] = list
    """An argument list with the folders of this machine."""

    @property
    def settings(self) -> Settings:
        """Where the lake is."""
        first = next(iter(self.emitted.values()))
        return parser.parse(self.here(next(iter(first.values()))))

    def run(self, name: str, *, after: str = "", until: str = "") -> Ended:
        """Do what Airflow does in a run: stage after stage, until one fails; how the last one ended.

        `after` is a stage that has been done and `until` one that is not to be done yet.
        """
        stages = list(self.emitted[name].items())
        names = [stage for stage, _ in stages]
        first = names.index(after) + 1 if after else 0
        last = names.index(until) if until else len(names)
        for _, argv in stages[first:last]:
            ended = self.job(argv)
            if ended.exit:
                break
        return ended

    def run_mixed(self, *names: str) -> list[Ended]:
        """Do what Airflow does in a backfill: a stage of each run before the next stage of any."""
        stages = zip(*(self.emitted[name].values() for name in names), strict=True)
        return [self.job(argv) for of_runs in stages for argv in of_runs]

    def run_results(self, name: str, part: str = "") -> dict[str, Any]:
        """What the stages of a run left in the data docs; `part` is what a part of it adds to the run's id."""
        (first, *_) = self.emitted[name].values()
        folder = parser.parse(self.here(first)).run_folder
        files = folder.with_name(f"{folder.name}{part}").glob("*.json")
        return {file.stem: json.loads(file.read_text()) for file in files}

    def landing(self, name: str) -> Path:
        """A file or folder of the landing zone."""
        return self.settings.landing / name

    def deliver(self, name: str, content: bytes) -> None:
        """Deliver a file to the landing zone by hand; a minute ago."""
        self.landing(name).parent.mkdir(parents=True, exist_ok=True)
        self.landing(name).write_bytes(content)
        stand_still(self.landing(name))

    def rows(self, name: str, *but: str) -> list[Row]:
        """A table's rows in some fixed order, without the columns named; variants, which do not compare, as JSON."""
        shown = [
            F.expr(f"to_json(`{column}`)").alias(column) if kind == "VARIANT" else F.col(column)
            for column, kind in columns_of(TABLES[name].columns).items()
            if column not in but
        ]
        return sorted(Lake(self.spark, self.settings).read(name).select(*shown).collect(), key=str)

    def digests(self, names: Iterable[str] = COMPARED, but: Sequence[str] = ()) -> Digests:
        """Of every slice of these tables, computed anew, in one query."""
        there = filter(lambda name: self.spark.catalog.tableExists(self.settings.table(name)), names)
        return digests({name: Lake(self.spark, self.settings).read(name) for name in there}, but)


def digests(tables: Mapping[str, DataFrame], but: Sequence[str] = ()) -> Digests:
    """The digests of some rows of tables, without the columns named; in one query."""
    if not tables:
        return {}
    found = union(_summed(rows, TABLES[name], but) for name, rows in tables.items()).collect()
    return {(row.table, row.slice): (row.rows, (row.high << HALF_BITS) + row.low) for row in found}


def _summed(rows: DataFrame, table: Table, but: Sequence[str]) -> DataFrame:
    columns = [column for column in table.column_names if column not in but]
    row_hash = hash_of(table, columns)
    return rows.groupBy(F.col(table.slice).alias("slice")).agg(
        F.lit(table.full_name).alias("table"),
        F.count("*").alias("rows"),
        F.sum(F.shiftright(row_hash, HALF_BITS)).alias("high"),
        F.sum(row_hash.bitwiseAND(F.lit((1 << HALF_BITS) - 1))).alias("low"),
    )


def verdicts(run_result: Mapping[str, Any]) -> list[Any]:
    """What a stage found, by its run result; without when, up to when, under which address and in which folder."""
    return [
        (
            table["table"],
            table["rows"],
            {key: value for key, value in table["detail"].items() if key not in ("page", "staged", "until")},
        )
        for table in run_result["tables"]
    ]


def in_this_process(argv: Sequence[str]) -> Ended:
    """Run a job as the local platform does, but here."""
    said = io.StringIO()
    with redirect_stderr(said):
        status = main(argv)
    return Ended(status, said.getvalue())


def at_once(work: Callable[[Side], Any], local: Side, remote: Side) -> list[Any]:
    """Do the same on both sides; the local one's is this thread, since standard error is its alone."""
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(work, remote)
        here = work(local)
        return [here, there.result()]
