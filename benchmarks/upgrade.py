"""Whether a lake that an earlier commit began and this checkout goes on with has the digests of the earlier one alone.

    python3 benchmarks/upgrade.py CHECKOUT      a checkout of the earlier commit in which `make setup` was run
        --scale 0.02      how much data; 1 is about 200,000 rows of all sources
        --before 2        nights that the earlier commit makes
        --after 2         nights that it makes then and, in the lake as it was before them, this checkout
        --tables T,T      only these sources and gold tables
        --json FILE       writes the digests of both

The lake is made in a temporary folder, and put back to where it was by a copy of its files, with those that the earlier
commit has landed meanwhile: both work on the same ones. Never do two servers run at once. An upgrade needs no command.
Afterwards this checkout verifies every night of its lake, those that the earlier commit made too, and runs `maintain`,
which drops the tables that no version needs any more.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from commits import FIRST, ROOT, Side, print_differing
from server import Server, running


def make(side: Side, nights: Iterable[date], options: list[str]) -> list[list[object]]:
    """Run nights on a server of their own; return what the lake has recorded of its slices then."""
    with running(side.checkout, side.lake) as server:
        for night in nights:
            side.night(server, night, options)
            print(f"{side.commit}: {night}: done", file=sys.stderr)
        return side.digests(server)


def verified(side: Side, server: Server, night: date) -> str:
    """Verify a night; return what that says, in its last lines."""
    command = [side.python, "-m", "jobs", "verify", f"--night={night}"]
    done = subprocess.run(
        command, cwd=side.checkout, env=server.environment, capture_output=True, text=True, check=False
    )
    return f"exit status {done.returncode}; {(done.stderr or done.stdout).strip().splitlines()[-1].strip()}"


def main() -> int:
    """Let both go on with one lake, and compare; 1 when the digests differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--before", type=int, default=2)
    parser.add_argument("--after", type=int, default=2)
    parser.add_argument("--tables", default="")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    options = [f"--scale={given.scale}", *([f"--tables={given.tables}"] if given.tables else [])]
    nights = [FIRST + timedelta(days) for days in range(given.before + given.after)]
    before, after = nights[: given.before], nights[given.before :]
    with tempfile.TemporaryDirectory() as folder:
        lake, kept = Path(folder, "lake"), Path(folder, "kept")
        earlier, now = Side("earlier", given.checkout.resolve(), lake), Side("now", ROOT, lake)
        make(earlier, before, options)
        shutil.copytree(lake, kept, symlinks=True)
        expected = make(earlier, after, options)
        # The same files, whatever the simulator makes today.
        for folder_of_files in ("landing", "truth"):
            shutil.copytree(lake / folder_of_files, kept / folder_of_files, dirs_exist_ok=True)
        # Under the same path, which tables and checkpoints have in them.
        shutil.rmtree(lake)
        kept.rename(lake)
        found = make(now, after, options)
        if given.json:
            given.json.write_text(json.dumps({"earlier": expected, "upgraded": found}, indent=1))
        differing = print_differing([expected, found])
        with running(now.checkout, now.lake) as server:
            for night in nights:
                print(f"verify {night}: {verified(now, server, night)}", flush=True)
            now.job(server, "maintain")
            print("maintain: done")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
