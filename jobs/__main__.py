"""Run one stage: `python -m jobs silver --night 2024-03-05 …`."""

import os
import sys

try:
    from jobs.main import main
except ModuleNotFoundError as error:
    sys.exit(
        f"jobs: {sys.executable} has no {error.name}; "
        "`python3 -m embedded job …` runs a stage in the environment that has everything"
    )

code = main()
sys.stdout.flush()
# The session stays open for the server to expire: closing it would end work that a retry took over.
os._exit(code)
