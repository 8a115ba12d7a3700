"""Platforms: each module turns a `Job` into an Airflow operator.

To add one, write `platforms/<name>.py` with a function `operator(job: Job, target: Target) -> BaseOperator`, add
its line below and a target to `targets.toml`. No DAG changes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import BaseOperator
    from job import Job
    from targets import Target

PLATFORMS = {"local": "platforms.local", "databricks": "platforms.databricks"}


def operator_for(platform: str) -> Callable[[Job, Target], BaseOperator]:
    """Return the platform's function that makes operators; its module is imported now. Raises ValueError."""
    if platform not in PLATFORMS:
        raise ValueError(f"targets.toml: unknown platform {platform!r}; there are: {', '.join(PLATFORMS)}")
    maker: Callable[[Job, Target], BaseOperator] = import_module(PLATFORMS[platform]).operator
    return maker
