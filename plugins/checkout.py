"""The rest of the checkout, which apps inside Airflow's API server need.

Airflow has the folder of plugins alone on its path. Not a plugin file (see .airflowignore).
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("serving", "catalog", "dags")

log = logging.getLogger(__name__)


def is_importable(app: str) -> bool:
    """Put what an app needs on Python's path; False, and a line in the log, where folders are missing."""
    if missing := [name for name in NEEDED if not (ROOT / name).is_dir()]:
        log.error("no %s: %s has no folder %s", app, ROOT, ", ".join(missing))
        return False
    sys.path += [path for path in (str(ROOT), str(ROOT / "dags")) if path not in sys.path]
    return True
