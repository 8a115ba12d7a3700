"""The attempt at a task that started a job, and the ids of runs.

Ids are those of the official Airflow provider (apache-airflow-providers-openlineage 2.20), so that its events and ours
are of the same runs. They are made here because importing the client takes longer than all else about events.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from uuid import UUID

WRITTEN_AS = "NAMESPACE/DAG/TASK/LOGICAL_DATE/TRY/CLEARED"
NOT_MAPPED = -1  # the map index of a task that is no mapped one


@dataclass(frozen=True)
class Parent:
    """One attempt at a task of Airflow."""

    namespace: str  # of Airflow's jobs
    dag: str
    task: str
    logical_date: datetime
    try_number: int
    clear_number: int  # how often the run of the DAG was cleared

    @classmethod
    def parse(cls, text: str) -> Parent:
        """Parse what `--parent` gives. Raises ValueError."""
        namespace, dag, task, logical_date, try_number, clear_number = text.rsplit("/", 5)
        if not (namespace and dag and task):
            raise ValueError("a name is empty")
        moment = datetime.fromisoformat(logical_date)
        if moment.tzinfo is None:
            raise ValueError("the logical date has no zone")
        return cls(namespace, dag, task, moment, int(try_number), int(clear_number))

    @property
    def task_run(self) -> str:
        """Id of the attempt."""
        name = f"{self.namespace}.{self.dag}.{self.task}.{self.try_number}.{NOT_MAPPED}"
        return run_id(self.logical_date, name)

    @property
    def dag_run(self) -> str:
        """Id of the DAG's run."""
        return run_id(self.logical_date, f"{self.namespace}.{self.dag}.{self.clear_number}")


def run_id(moment: datetime, name: str) -> str:
    """Return the id of a run, the same for the same moment and name: a UUID of version 7 with a hash in its end.

    What `generate_static_uuid` of openlineage-python gives.
    """
    utc = moment.astimezone(UTC)
    digest = sha1(utc.isoformat().encode() + name.encode(), usedforsecurity=False).digest()
    hashed = int.from_bytes(digest, "big") >> 84  # its first 76 bits
    value = (int(utc.timestamp() * 1000) & 0xFFFF_FFFF_FFFF) << 80 | hashed
    version, variant = 7 << 76, 0b10 << 62
    return str(UUID(int=value & ~(0xF << 76) & ~(0b11 << 62) | version | variant))
