"""Command `restore`: put a table, or one night's slice, back to a version, in one commit that is itself a version."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from catalog.tables import ACCEPTED, SOURCES, Table
from jobs.delta.digests import digests_of
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.maintenance import table_command
from jobs.maintenance.as_of import add_moment, is_rewritten_whole, of_night, require_moment
from jobs.maintenance.difference import difference, existing_elsewhere, key_of
from jobs.maintenance.versions import Version, pick, readable, rows_at, versions
from jobs.state import accounts

SHOWN = 10


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    table_command.add_table(parser)
    add_moment(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")


@dataclass(frozen=True)
class Plan:
    """What is to be restored."""

    table: Table
    version: Version
    newest: Version
    night: date | None  # whose slice; None for the whole table
    now: DataFrame
    then: DataFrame

    @property
    def slices(self) -> list[date] | None:
        """The slices that are restored; None for the whole table."""
        return None if self.night is None else [self.night]

    @property
    def is_replaced(self) -> Column:
        """Whether a row of the table is replaced."""
        return F.lit(True) if self.night is None else F.col(self.table.slice) == self.night


def run(arguments: Namespace) -> None:
    """Print what changes, restore it, and print what `verify` will report.

    Raises UsageError for a table, version or night that cannot be restored, JobError when its files are gone; in both
    cases nothing has been changed.
    """
    table: Table = arguments.table
    _refuse(table, arguments)
    lake = table_command.connect(arguments)
    plan = _plan(lake, table, arguments)
    with readable(table, plan.version):
        changes = sorted(_changes(lake, plan), key=lambda row: str(row.slice))
        _print_changes(plan, changes)
        forecast = _verify_forecast(lake, plan)
        if not arguments.dry_run:
            _restore(lake, plan, bool(changes))
    print("\n".join(forecast))
    if arguments.dry_run:
        print("dry run: nothing has been changed")
    elif changes:
        print(f"done; to undo it: restore {table.full_name} --version {plan.newest.number}")


def _refuse(table: Table, arguments: Namespace) -> None:
    if table.layer == "ops":
        raise UsageError(
            f"{table.full_name} is the platform's own record of what happened, and is not put back; "
            "see it with as-of"
        )
    require_moment(arguments)


def _plan(lake: Lake, table: Table, arguments: Namespace) -> Plan:
    found = versions(lake, table)
    version = pick(found, table, arguments.version, arguments.night)
    with readable(table, version):
        then = rows_at(lake, table, version)
        columns = set(then.columns)
    if columns != set(table.column_names):
        raise UsageError(
            f"{table.full_name} had other columns at version {version.number} than it has in the catalog"
        )
    night = None if is_rewritten_whole(table) else arguments.night
    now = of_night(lake.read(table.full_name), table, arguments)
    return Plan(table, version, found[0], night, now, of_night(then, table, arguments))


def _changes(lake: Lake, plan: Plan) -> list[Row]:
    key = key_of(plan.table)
    if plan.night:
        stay = lake.read(plan.table.full_name).where(~plan.is_replaced)
        if twice := existing_elsewhere(plan.then, stay, plan.table, key):
            raise UsageError(
                f"{twice:,} rows of that slice are in other nights of {plan.table.full_name} now and would "
                "stand there twice; put back the whole table with --version alone"
            )
    return difference(plan.now, plan.then, plan.table, key).collect()


def _print_changes(plan: Plan, changes: list[Row]) -> None:
    print(f"{plan.table.full_name} as of {plan.version}")
    if not changes:
        print("that is what it holds now")
        return
    rows = [(row.slice, row.added, row.removed, row.changed) for row in changes[-SHOWN:]]
    total = ("all", *[sum(row[name] for row in changes) for name in ("added", "removed", "changed")])
    print(table_command.aligned((plan.table.slice, "added", "removed", "changed"), [*rows, total]))
    if len(changes) > SHOWN:
        print(f"and {len(changes) - SHOWN:,} older slices, counted in the last line")


def _restore(lake: Lake, plan: Plan, is_different: bool) -> None:
    """Put the rows back in one commit, then the digests in another.

    The digests are always written, and second: repeating an interrupted restore completes it.
    """
    name = plan.table.full_name
    if is_different and plan.night is None:
        # No row moves: Delta lists the old files again.
        lake.spark.sql(
            f"RESTORE TABLE {lake.settings.table(name)} TO VERSION AS OF {plan.version.number}"
        ).collect()
    elif is_different:
        lake.replace_where(name, plan.then, plan.is_replaced)
    if plan.table.layer in ("silver", "gold"):
        restored = lake.read(name).where(plan.is_replaced)
        lake.ensure(["ops.digests"])
        lake.record_digests({name: plan.slices}, digests_of({plan.table: restored}))


def _verify_forecast(lake: Lake, plan: Plan) -> list[str]:
    """Return what `verify` will report of the restored nights: where their accounts count other numbers of rows."""
    source = _source(plan.table)
    if source is None or not accounts.exists(lake):
        return ["verify will hold: digests are recorded anew"] if plan.table.layer == "gold" else []
    counts = {row._night: row["count"] for row in plan.then.groupBy("_night").count().collect()}
    of_source = accounts.of_source(lake, source)
    # Rows that an account counts have the account's night as theirs.
    concerned = of_source if plan.night is None else of_source.where(F.col("night") == plan.night)
    differing = [
        f"verify --night {row.night} will say: account of {source} does not hold "
        f"({plan.table.layer} {counts.get(row.night, 0):,}, recorded {row[plan.table.layer]:,})"
        for row in concerned.orderBy("night").collect()
        if counts.get(row.night, 0) != row[plan.table.layer]
    ]
    left = [f"and {len(differing) - SHOWN:,} nights more"] if len(differing) > SHOWN else []
    return [*differing[:SHOWN], *left] or ["verify will hold: accounts agree, digests are recorded anew"]


def _source(table: Table) -> str | None:
    """Return the source whose accounts count this table's rows; None if there is none."""
    if table.layer == "bronze":
        return table.name
    if table.name not in ACCEPTED or table.layer != "silver":
        return None
    return next(name for name, source in SOURCES.items() if source.silver == table.name)
