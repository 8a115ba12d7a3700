"""Run one stage: `python -m jobs silver --night 2024-03-05 …`."""

import gc
import os
import sys

from catalog.reading import CatalogError
from jobs import lifeline

lifeline.hold()
# What is imported stays: to look through it after each 700 objects more is a tenth of a check's start.
gc.set_threshold(100_000)
try:
    from jobs.main import main
except ModuleNotFoundError as error:
    sys.exit(
        f"jobs: {sys.executable} has no {error.name}; "
        "`python3 -m embedded job …` runs a stage in the environment that has everything"
    )
except CatalogError as error:
    print(f"jobs: the catalog is wrong: {error}", file=sys.stderr)
    sys.exit(2)

code = main()
sys.stdout.flush()
# A job that is done has closed its session, and one that failed leaves it to its retry: Python's own way out would
# close what is left, and might stand still at that.
os._exit(code)
