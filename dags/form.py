"""What the DAGs share: default arguments of tasks, and fields of trigger forms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param
from chain import emit_what_was_published
from deadlines import Recovery, SilentSources
from notify import AlertNotifier

from catalog.simulation import PATTERN
from catalog.tables import JSON_SOURCES, NAMES

DEFAULTS: dict[str, Any] = {
    "owner": "data-platform",
    "pool": "spark",
    "retries": 2,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 3,
    "max_retry_delay": timedelta(minutes=10),
    "on_success_callback": [AlertNotifier(), Recovery(), SilentSources()],
    "post_execute": emit_what_was_published,
}


# A form cannot check that a day is over.
FROM_1970 = "^(19[7-9]|[2-9][0-9]{2})[0-9]-"
FROM_2024 = "^20(2[4-9]|[3-9][0-9])-"  # of the simulated fleet, whose first day is 2024-01-01


def night(description: str, pattern: str = FROM_1970) -> Param:
    """The UTC day that a run works on; empty: the run's own."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        pattern=pattern,
        title="Night",
        description=description,
    )


def simulate() -> Param:
    """Which sources are simulated."""
    return Param(
        None,
        type=["null", "string"],
        pattern=PATTERN,
        title="Simulate",
        description="The sources that are simulated: `all`, `none`, or names as in `readings,events`. Empty: as the "
        "target says, else all in a lake to which nobody has brought a file.",
    )


def scale() -> Param:
    """How much data a night generates."""
    return Param(
        1.0,
        type="number",
        minimum=0.001,
        maximum=10,
        title="Scale",
        description="How much data: 1 is about 200,000 rows a night. From 0.001 to 10.",
    )


def seed() -> Param:
    """Which values a night generates."""
    return Param(
        42,
        type="integer",
        minimum=0,
        maximum=2**31 - 1,
        title="Seed",
        description="The same seed and night give the same rows.",
    )


def fault_rates() -> Param:
    """Shares of a night's generated rows with a fault of each kind."""
    return Param(
        None,
        type=["null", "string"],
        pattern=r"^[a-z_]+=[0-9.]+(,[a-z_]+=[0-9.]+)*$",
        maxLength=300,
        title="Fault rates",
        description="Shares of rows with a fault of each kind, where other than usual, as in "
        "`late=0.05,duplicate=0,null=0.1`. A lake keeps the rates that it began with.",
    )


def source() -> Param:
    """A source that others send to a topic."""
    return Param(
        next(iter(sorted(JSON_SOURCES, key=lambda name: name != "transactions")), None),
        type="string" if JSON_SOURCES else "null",
        enum=[*JSON_SOURCES] or [None],
        title="Source",
        description="What is received, from the topic of the same name.",
    )


def tables() -> Param:
    """Sources and gold tables that a run is limited to."""
    return Param(
        [],
        type=["null", "array"],
        items={"type": "string", "enum": [*NAMES]},
        uniqueItems=True,
        examples=[*NAMES],
        title="Tables",
        description="Only these sources and gold tables. Empty: all but the optional ones.",
    )
