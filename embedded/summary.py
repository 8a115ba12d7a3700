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
            *(f"  {layer:<13}{rows:>11,} rows" for layer, rows in rows_per_layer(run).items()),
            f"  {'expectations':<13}{_failed(run):>11,} failed",
            "",
            f"  Airflow      {config.url}/dags/iot_nightly/runs/{run.id}",
            f"               user {USER}, password: `make password` ({shown(config, 'secrets/ui-password')})",
            f"  report       {config.url}/plugin/night-report/data-docs/nights/{run.night.night}.html",
            f"  data docs    {config.url}/plugin/data-docs",
            f"  lake         {os.path.relpath(config.home)}",
            "  stop         make stop",
        ]
    )


def rows_per_layer(run: Run) -> dict[str, int]:
    """Rows that this run landed, took into bronze, settled in silver and published."""
    stages = {"landed": "generate", "bronze": "bronze", "silver": "silver", "gold": "publish"}
    notes = {layer: run.note(stage) for layer, stage in stages.items()}
    return {layer: sum(table["rows"] for table in note.get("tables", [])) for layer, note in notes.items()}


def shown(config: Config, name: str) -> str:
    """A file of the stack as seen from where the user stands."""
    return os.path.relpath(config.run_dir / name)


def _failed(run: Run) -> int:
    notes = (run.note("check_silver"), run.note("check_gold"))
    return sum(table["detail"].get("failed", 0) for note in notes for table in note.get("tables", []))
