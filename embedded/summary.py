"""The summary at the end of `make run`."""

from __future__ import annotations

import os

from catalog.pipeline import STEPS
from catalog.run_result import REFUSED
from embedded.config import Config
from embedded.night import Run
from embedded.vault import USER

CHECKS = tuple(step.name for step in STEPS if step.layer)


def summary(run: Run) -> str:
    """Return a night's counts, the addresses of its pages, and how to stop the stack, as text."""
    config = run.stack.config
    pages = f"{config.url}/plugin/data-docs"
    report = f"{config.url}/plugin/night-report/data-docs/nights/{run.night.night}.html"
    return "\n".join(
        [
            "",
            f"Night {run.night.night} (scale {run.night.scale:g}, seed {run.night.seed})",
            *_figures(run),
            "",
            f"  Airflow      {config.url}/dags/iot_nightly/runs/{run.id}",
            f"               user {USER}, password: `make password` ({shown(config, 'secrets/ui-password')})",
            f"  fleet        {config.url}/plugin/fleet",
            *([f"  report       {report}"] if run.result("report") else []),
            f"  data docs    {pages}",
            *(f"  what failed  {pages}/data-docs/runs/{run.id}/{check}.html" for check in _refused(run)),
            f"  API          {config.url}/lakehouse/v1/",
            f"  lake         {os.path.relpath(config.home)}",
            "  stop         make stop",
        ]
    )


def _figures(run: Run) -> list[str]:
    """Return the rows per layer, of the night's accounts: a first run also lands the fleet itself.

    Without accounts, since silver has not run, rows are those that were landed and loaded.
    """
    accounts = run.tables("silver")
    landed, bronze, silver, quarantined, duplicates, corrections = (
        sum(table.detail.get(column, 0) for table in accounts)
        for column in ("landed", "bronze", "silver", "quarantined", "duplicates", "corrections")
    )
    if not accounts:
        landed, bronze = _rows(run, "generate"), _rows(run, "bronze")
    corrected = f", {corrections:,} corrections" if corrections else ""
    return [
        f"  landed       {landed:>11,} rows",
        f"  bronze       {bronze:>11,} rows",
        f"  silver       {silver:>11,} rows, {quarantined:,} quarantined, {duplicates:,} duplicates{corrected}",
        f"  gold         {_rows(run, 'publish'):>11,} rows published",
        f"  expectations {_unmet(run, 'failed'):>11,} failed, {_unmet(run, 'warned'):,} warned",
    ]


def shown(config: Config, name: str) -> str:
    """Return the path of a file of the stack, relative to the working directory."""
    return os.path.relpath(config.run_dir / name)


def _rows(run: Run, stage: str) -> int:
    return sum(table.rows for table in run.tables(stage))


def _unmet(run: Run, how: str) -> int:
    return sum(table.detail.get(how, 0) for check in CHECKS for table in run.tables(check))


def _refused(run: Run) -> list[str]:
    return [check for check in CHECKS if run.status(check) == REFUSED]
