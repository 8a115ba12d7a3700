"""The input of a job: what it works on, and the location of its lake."""

from argparse import ArgumentTypeError
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from catalog.tables import GOLD, SOURCES, TABLES, Source, Table
from jobs.lineage.parent import Parent

BY_HAND = "by-hand"  # the run of who names none


@dataclass(frozen=True)
class Settings:
    """The whole input of one job."""

    stage: str
    night: date  # the day, UTC, whose data the job works on
    run_id: str
    home: Path  # landing zone, staged rows, checkpoints, data docs
    catalog: str
    prefix: str  # put before every schema name
    tables: frozenset[str]  # selected sources and gold tables
    first: date | None = None  # first of several nights, of which `night` is the last
    options: Any = None  # the stage's own: `Options` of its arguments module
    parent: Parent | None = None  # the attempt at a task that runs the job

    def __post_init__(self) -> None:
        if self.first and self.first > self.night:
            raise ArgumentTypeError(f"the range ends on {self.night}, before it begins on {self.first}")

    @property
    def nights(self) -> list[date]:
        """The nights to work on: one, or the range of a backfill."""
        first = self.first or self.night
        return [first + timedelta(days) for days in range((self.night - first).days + 1)]

    @property
    def docs(self) -> Path:
        """The folder that the Airflow UI serves."""
        return self.home / "data-docs"

    @property
    def landing(self) -> Path:
        """The folder that holds one folder a source."""
        return self.home / "landing"

    @property
    def run_folder(self) -> Path:
        """Pages and run results of this run."""
        return self.docs / "runs" / self.run_id

    @property
    def step(self) -> str:
        """Name of the step: `check_bronze`, `check_silver` and `check_gold` are steps of one stage."""
        part = getattr(self.options, "part", "")
        return f"{self.stage}_{part}" if part else self.stage

    def schema(self, name: str) -> str:
        """Quoted, full name of a schema."""
        return f"`{self.catalog}`.`{self.prefix}{name}`"

    def table(self, name: str) -> str:
        """Quoted, full name of a table of the catalog, given as `layer.name`."""
        table = TABLES[name]
        return f"{self.schema(table.layer)}.`{table.name}`"

    @property
    def sources(self) -> list[Source]:
        """The selected sources, in the catalog's order."""
        return [source for name, source in SOURCES.items() if name in self.tables]

    @property
    def gold(self) -> list[Table]:
        """The selected gold tables, in the catalog's order."""
        return [table for name, table in GOLD.items() if name in self.tables]
