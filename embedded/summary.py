"""The last words of `make run`."""

from __future__ import annotations

import os

from embedded.config import Config
from embedded.night import Run
from embedded.vault import USER


def summary(run: Run) -> str:
    """What the night came to, where everything is, and how to stop."""
    config = run.stack.config
    return "\n".join(
        [
            "",
            f"Night {run.night.night} (scale {run.night.scale:g}, seed {run.night.seed})",
            *_figures(run),
            "",
            f"  Airflow      {config.url}/dags/iot_nightly/runs/{run.id}",
            f"               user {USER}, password: `make password` ({shown(config, 'secrets/ui-password')})",
            f"  report       {config.url}/plugin/night-report/data-docs/nights/{run.night.night}.html",
            f"  data docs    {config.url}/plugin/data-docs",
            f"  lake         {os.path.relpath(config.home)}",
            "  stop         make stop",
        ]
    )


def _figures(run: Run) -> list[str]:
    """Rows per layer. Of the night, as its accounts have them: a first run also lands the fleet itself."""
    settled = run.note("silver").get("tables", [])
    landed, bronze, silver, quarantined, duplicates = (
        sum(table["detail"].get(column, 0) for table in settled)
        for column in ("landed", "bronze", "silver", "quarantined", "duplicates")
    )
    gold = sum(table["rows"] for table in run.note("publish").get("tables", []))
    return [
        f"  landed       {landed:>11,} rows",
        f"  bronze       {bronze:>11,} rows",
        f"  silver       {silver:>11,} rows, {quarantined:,} quarantined, {duplicates:,} duplicates",
        f"  gold         {gold:>11,} rows published",
        f"  expectations {_failed(run):>11,} failed",
    ]


def shown(config: Config, name: str) -> str:
    """A file of the stack as seen from where the user stands."""
    return os.path.relpath(config.run_dir / name)


def _failed(run: Run) -> int:
    notes = [run.note(f"check_{layer}") for layer in ("bronze", "silver", "gold")]
    return sum(table["detail"].get("failed", 0) for note in notes for table in note.get("tables", []))
