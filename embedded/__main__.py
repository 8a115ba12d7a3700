"""`python3 -m embedded preflight|run|up|pipeline|stop|status|password|job`."""

import os
import sys
from pathlib import Path

# Before anything else is imported: what follows needs this version, and so do the locked environments.
if sys.version_info[:2] != (3, 11):
    own = str(Path(__file__).resolve().parents[1] / ".venv/spark/bin/python")
    # Where the environments are made already, whichever Python was typed will do, but not to make them anew.
    if sys.argv[1:2] != ["preflight"] and os.access(own, os.X_OK) and sys.executable != own:
        os.execv(own, [own, "-m", "embedded", *sys.argv[1:]])  # noqa: S606
    found = ".".join(map(str, sys.version_info[:2]))
    print(
        f"error: this is Python {found}, needed is 3.11: install it (Debian: python3.11, macOS: "
        "brew install python@3.11), then make … PYTHON=/path/to/python3.11",
        file=sys.stderr,
    )
    sys.exit(2)

from embedded.cli import main

if __name__ == "__main__":
    sys.exit(main())
