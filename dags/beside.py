"""Lets `catalog` be imported from beside this folder; imported before anything of it.

Airflow puts its DAG folder on `sys.path`, and nothing else of a checkout.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]

if find_spec("catalog") is None:
    if not (CHECKOUT / "catalog").is_dir():
        raise ImportError(
            f"{CHECKOUT} has no folder catalog/: the DAGs need dags/, plugins/ and catalog/ of one checkout, side by "
            "side (docs/databricks.md, With your own Airflow)"
        )
    sys.path.append(str(CHECKOUT))
