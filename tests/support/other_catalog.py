"""The project with another catalog: sources of somebody's own, and nothing of the demo's fleet."""

import shutil
from pathlib import Path

from tests.support.project import PROJECT

OWN = """
[sources.boiler_logs]
format = "csv"
key = ["boiler", "timestamp"]
columns = "boiler STRING, timestamp TIMESTAMP, flow DOUBLE"

[silver.boiler_logs]
grain = "One row per boiler and instant."
columns = "boiler STRING, timestamp TIMESTAMP, event_date DATE, flow DOUBLE"

[gold.boiler_daily]
grain = "One row per boiler and day."
columns = "event_date DATE, boiler STRING, avg_flow DOUBLE"
reads = ["boiler_logs"]
slice = "event_date"
"""
PACKAGES = ("catalog", "jobs", "expectations", "queries")


def project_without_the_demo(folder: Path, *more: str) -> Path:
    """Copy the packages of the jobs, and more, into a folder; leave the demo out of the catalog's folder."""
    for package in (*PACKAGES, *more):
        shutil.copytree(PROJECT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "catalog/demo.toml").unlink()
    return folder
