"""The trigger form of a DAG, without an Airflow server."""

from copy import deepcopy
from typing import Any


def fill_in(dag: Any, conf: dict[str, Any]) -> None:
    """Trigger a DAG's form with these values, so far as their check."""
    # Its own copy is no deep one, and all tests share the DAGs.
    params = deepcopy(dag.params)
    params.update(conf)
    params.validate()
