"""What a night's report is made of."""

from collections import Counter
from dataclasses import dataclass, field

from pyspark.sql import Row

from catalog.repeated import DISAGREES
from catalog.run_result import RunResult, TableEntry
from jobs.report import query
from jobs.report.deliveries import Delivery


@dataclass(frozen=True)
class Night:
    """The contents of a night's report; rows are those of tables in `ops`."""

    accounts: list[Row]
    reasons: list[Row]  # source, reason, rows, key and file of one; a row with two reasons counts under both
    digests: list[Row]
    rejected_files: list[Row]
    stages: list[RunResult]  # of the run, in order
    others: list[Row] = field(default_factory=list)  # accounts of other nights that this run has reconciled
    restated: list[Row] = field(default_factory=list)  # slices restated by this night, or of this night
    scores: list[Row] = field(default_factory=list)
    drift: list[Row] = field(default_factory=list)  # fields that no column matches
    answers: list[query.Answer] = field(default_factory=list)  # to the demo queries
    alerts: list[Row] = field(default_factory=list)  # severity, alerts of the night's day
    deliveries: list[Delivery] = field(
        default_factory=list
    )  # of the sources that must not be silent for long
    model: str = ""  # how the newest model that predicts failures does beside the rule

    @property
    def checks(self) -> list[RunResult]:
        """Results of the steps that checked a layer."""
        return [result for result in self.stages if result.stage.startswith("check_")]

    @property
    def gold(self) -> list[TableEntry]:
        """Gold tables as published."""
        return [table for result in self.stages if result.stage == "publish" for table in result.tables]

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Gold table -> its slices that are left to another run; see `jobs.gold.unchecked`."""
        tables = [table for result in self.stages if result.stage == "gold" for table in result.tables]
        return {table.table: table.detail["left_out"] for table in tables if table.detail.get("left_out")}

    @property
    def alerts_by_severity(self) -> dict[str, int]:
        """Severity -> alerts of the night's day."""
        return {row.severity: row.alerts for row in self.alerts}

    def total(self, column: str) -> int:
        """Sum of a column of the accounts; older accounts have no corrections."""
        return sum(account.asDict().get(column) or 0 for account in self.accounts)

    @property
    def has_corrections(self) -> bool:
        """Whether any account of the page has some."""
        return any(account.asDict().get("corrections") for account in (*self.accounts, *self.others))

    @property
    def disagreeing(self) -> dict[str, int]:
        """Source -> rows that were quarantined because other rows of their key have other values."""
        counts = Counter[str]()
        for row in self.reasons:
            if row.reason in DISAGREES.values():
                counts[row.source] += row.rows
        return dict(counts)
