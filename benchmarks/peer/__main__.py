"""The command line of the peer.

python -m peer nights LANDING LAKE FIRST LAST       one night after another, in one process; a line each, as JSON
python -m peer compare WAREHOUSE LAKE FIRST LAST    what the project's and the peer's nights differ in, a line each
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

from peer.compare import differences
from peer.lake import Lake
from peer.night import run_night


def main() -> int:
    """Run some nights, or compare them; 1 when they differ."""
    parser = argparse.ArgumentParser(
        prog="python -m peer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("nights", "compare"))
    parser.add_argument("source", type=Path, metavar="LANDING|WAREHOUSE")
    parser.add_argument("lake", type=Path, metavar="LAKE")
    parser.add_argument("first", type=date.fromisoformat, metavar="FIRST")
    parser.add_argument("last", type=date.fromisoformat, metavar="LAST")
    given = parser.parse_args()
    nights = [given.first + timedelta(days) for days in range((given.last - given.first).days + 1)]
    if given.command == "nights":
        lake = Lake(given.lake)
        for night in nights:
            print(json.dumps(asdict(run_night(lake, given.source, night))), flush=True)
        return 0
    found = list(differences(given.source, given.lake, nights))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
